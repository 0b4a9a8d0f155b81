import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Concat: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.concat(request, axis: axis)
  }
}

extension OneDNNEngine {
  /// oneDNN's concat of floats or of levels: in the layout of the largest operand where the others can have it, else plain.
  func concat(_ request: KernelRequest, axis: Int) throws -> PrimitiveDraft? {
    let own = request.ownOperands
    guard let result = request.optionalResult(0), let type = result.elementType.dataType,
      [.float32, .uint8, .int8].contains(result.elementType), result.shape.elementCount > 0,
      own.allSatisfy({ $0?.elementType == result.elementType && $0?.shape.elementCount ?? 0 > 0 }),
      (2...Self.mostParts).contains(own.count)
    else { return nil }
    let operands = own.compactMap { $0 }
    let rank = result.shape.rank
    let axis = axis < 0 ? axis + rank : axis
    guard operands.count == own.count, axis >= 0, axis < rank,
      operands.allSatisfy({ $0.shape.rank == rank })
    else { return nil }
    let sources = operands.map { TensorView($0.shape) }
    let target = TensorView(result.shape)
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try sources.enumerated().map { index, view in
        try PrimitiveDraft.descriptor(DNNL_ARG_MULTIPLE_SRC + Int32(index), view.dims, in: pins)
      }
      let dst = try PrimitiveDraft.descriptor(DNNL_ARG_DST, target.dims, in: pins)
      let raw: [const_dnnl_memory_desc_t?] = src.map(\.raw)
      return try withExtendedLifetime(src) {
        try PrimitiveDescriptor("dnnl_concat_primitive_desc_create") {
          fi_dnnl_concat_primitive_desc_create(
            $0, handle.raw, dst.raw, Int32(raw.count), Int32(axis), raw, attributes.raw)
        }
      }
    }
    draft.operands = sources.enumerated().map { index, view in
      .init(number: DNNL_ARG_MULTIPLE_SRC + Int32(index), index: index, view: view)
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.candidates = try concatCandidates(operands, sources, target, type)
    draft.partOffsets = { pins in
      guard let whole = pins[DNNL_ARG_DST] else { return nil }
      return try Self.partOffsets(
        sources.indices.map { pins[DNNL_ARG_MULTIPLE_SRC + Int32($0)] }, in: whole, axis: axis)
    }
    return draft
  }

  /// Returns the offset of each part if every part is a contiguous range of bytes of the whole.
  private static func partOffsets(_ parts: [MemoryDescriptor?], in whole: MemoryDescriptor, axis: Int)
    throws -> [Int]?
  {
    var offsets: [Int] = []
    var corner = whole.dims.map { _ in 0 }
    var bytes = 0
    for part in parts {
      guard let part, let start = try whole.start(of: part, at: corner) else { return nil }
      offsets.append(start)
      corner[axis] += part.dims[axis]
      bytes += part.byteCount
    }
    return bytes == whole.byteCount ? offsets : nil
  }

  /// More than models join; the library counts its arguments in a range of a thousand.
  private static let mostParts = 512

  private func concatCandidates(
    _ operands: [Operand], _ sources: [TensorView], _ target: TensorView, _ type: dnnl_data_type_t
  ) throws -> [PrimitiveDraft.Pins] {
    func pins(_ layout: (TensorView) throws -> MemoryDescriptor?) rethrows -> PrimitiveDraft.Pins? {
      var pins: PrimitiveDraft.Pins = [:]
      for (index, view) in sources.enumerated() {
        guard let descriptor = try layout(view) else { return nil }
        pins[DNNL_ARG_MULTIPLE_SRC + Int32(index)] = descriptor
      }
      pins[DNNL_ARG_DST] = try layout(target)
      return pins[DNNL_ARG_DST] == nil ? nil : pins
    }
    let plain = try pins { try $0.descriptor(type) }
    let largest = operands.filter { $0.layout != .plain }.max {
      $0.shape.elementCount < $1.shape.elementCount
    }
    guard let largest else { return [plain].compactMap { $0 } }
    let stored = try StoredLayout(largest.layout, of: largest.elementType, largest.shape)
    return [try pins { try stored.descriptor(alike: $0.dims) }, plain].compactMap { $0 }
  }
}

extension StoredLayout {
  /// The layout that has the same order and blocks for another tensor of that rank; `nil` when blocks would be cut.
  func descriptor(alike other: [Int]) throws -> MemoryDescriptor? {
    guard other.count == dims.count, sourceStrides == nil else { return nil }
    switch storage {
    case .strides(let strides):
      let order = dims.indices.sorted { (strides[$0], $1) > (strides[$1], $0) }
      return try TensorView(other, order: order).descriptor(dnnl_data_type_t(dataType))
    case .tag(let tag):
      let descriptor = try MemoryDescriptor(other, dnnl_data_type_t(dataType), tag: dnnl_format_tag_t(tag))
      return descriptor.paddedDims == other ? descriptor : nil
    }
  }
}
