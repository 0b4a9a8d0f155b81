import CDNNL
import Device
import ModelGraph
import Tensors

extension Transpose: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.transpose(request, permutation)
  }
}

extension OneDNNEngine {
  /// A kernel that copies operand 0 into the result with another layout.
  func makeReorder(_ request: KernelRequest, to layout: Layout) throws -> any Kernel {
    guard request.suitsLibrary else {
      throw DeviceError(.unsupported, "more elements than oneDNN lays out", in: request)
    }
    return try reporting(request) {
      guard let operand = request.ownOperand(0), operand.elementType.dataType != nil else {
        throw DeviceError(.unsupported, "oneDNN lays no tensor of this type out", in: request)
      }
      let views = try [operand.layout, layout].filter { $0 != .plain }.map {
        let stored = try StoredLayout($0, of: operand.elementType, operand.shape)
        guard stored.preparation == .none else {
          throw DeviceError(.unsupported, "a layout that only weights have", in: request)
        }
        return stored.view
      }
      if let first = views.first, let last = views.last, first != last {
        return try detour(request, operand, to: layout)
      }
      return try reorder(request, operand, as: views.first ?? TensorView(operand.shape), to: layout)
    }
  }

  private func reorder(_ request: KernelRequest, _ operand: Operand, as view: TensorView, to layout: Layout)
    throws -> any Kernel
  {
    var result = operand
    result.layout = layout
    guard let source = try operand.descriptor(as: view), let target = try result.descriptor(as: view) else {
      throw DeviceError(.unsupported, "a layout of another tensor", in: request)
    }
    var draft = PrimitiveDraft { [handle] _, attributes in
      try reorderDescriptor(from: source, to: target, attributes, on: handle)
    }
    draft.operands = [.init(number: DNNL_ARG_FROM, index: 0, view: view, layout: operand.layout)]
    draft.results = [.init(number: DNNL_ARG_TO, index: 0, view: view, layout: layout)]
    guard let kernel = try primitive(draft, request) else {
      throw DeviceError(.unsupported, "oneDNN has no reorder between these layouts", in: request)
    }
    return kernel
  }

  /// By way of the plain layout, between layouts that see the tensor along different axes.
  private func detour(_ request: KernelRequest, _ operand: Operand, to layout: Layout) throws -> any Kernel {
    var builder = ChainBuilder(self, request)
    let plain = try builder.reorder(
      .operand(0), operand.elementType, operand.shape, from: operand.layout, to: .plain)
    var second = request
    second.operands[0]?.layout = .plain
    builder.append(try makeReorder(second, to: layout), [plain], [.result(0)])
    return builder.finish(operandLayouts: [operand.layout], resultLayouts: [layout])
  }

  /// Copies between two views of memory, which have the same axes.
  func copy(
    _ request: KernelRequest, from source: TensorView, to target: TensorView
  ) throws -> (any Kernel)? {
    let (from, to) = (try source.descriptor(), try target.descriptor())
    var draft = PrimitiveDraft { [handle] _, attributes in
      try reorderDescriptor(from: from, to: to, attributes, on: handle)
    }
    draft.operands = [.init(number: DNNL_ARG_FROM, index: 0, view: source, layout: .plain)]
    draft.results = [.init(number: DNNL_ARG_TO, index: 0, view: target, layout: .plain)]
    let shape = try Shape(checking: target.dims)
    let step = KernelRequest(
      model: request.model, node: request.node, op: .identity,
      operands: [Operand(elementType: .float32, shape: shape)], results: [.init(.float32, shape)],
      threads: request.threads)
    return try primitive(draft, step)
  }

  /// ONNX `Transpose` as a reorder, from any layout.
  func transpose(_ request: KernelRequest, _ permutation: [Int]) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0), request.isAllFloat,
      x.shape.rank >= 2, permutation.count == x.shape.rank,
      permutation.sorted() == Array(0..<x.shape.rank), y.shape.dims == permutation.map({ x.shape.dims[$0] }),
      let whole = try x.descriptor(as: TensorView(x.shape))
    else { return nil }
    var inverse = permutation
    for (position, axis) in permutation.enumerated() { inverse[axis] = position }
    let source = try whole.permuted(inverse)
    // The operand along the axes of the result: the elements of a constant are packed from this view.
    let strides = TensorView(x.shape).strides
    let view = TensorView(y.shape.dims, strides: permutation.map { strides[$0] })
    let rowMajor = TensorView(y.shape)
    let target = try rowMajor.descriptor()
    var draft = PrimitiveDraft { [handle] _, attributes in
      try reorderDescriptor(from: source, to: target, attributes, on: handle)
    }
    draft.operands = [.init(number: DNNL_ARG_FROM, index: 0, view: view, layout: x.layout)]
    draft.results = [.init(number: DNNL_ARG_TO, index: 0, view: rowMajor)]
    draft.allowsReference = false
    return draft
  }
}
