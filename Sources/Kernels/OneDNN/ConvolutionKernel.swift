import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Convolution: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.convolution(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's convolution (direct algorithms), for ONNX `Conv`: x [N, C, …], w [O, C/groups, …], bias [O].
  func convolution(_ request: KernelRequest, _ op: Convolution) throws -> PrimitiveDraft? {
    if let (row, op) = request.columnAsRow(op) { return try convolution(row, op) }
    guard let x = request.ownOperand(0), let w = request.ownOperand(1),
      let y = request.optionalResult(0),
      request.isAllFloat, x.shape.rank == w.shape.rank, x.shape.rank >= 3, y.shape.rank == x.shape.rank,
      op.groups >= 1, x.shape.dims[1] % op.groups == 0, x.shape.dims[1] / op.groups == w.shape.dims[1],
      w.shape.dims[0] % op.groups == 0, y.shape.dims[1] == w.shape.dims[0],
      let window = Window(
        kernel: Array(w.shape.dims[2...]), strides: op.strides, dilations: op.dilations,
        padding: op.padding, input: Array(x.shape.dims[2...]), output: Array(y.shape.dims[2...]))
    else { return nil }
    let (source, target) = (TensorView(x.shape), TensorView(y.shape))
    let weights = TensorView(
      op.groups == 1
        ? w.shape.dims
        : [op.groups, w.shape.dims[0] / op.groups] + w.shape.dims[1...])
    let bias = request.ownOperand(2)
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try PrimitiveDraft.descriptor(DNNL_ARG_SRC, source.dims, in: pins)
      let wei = try PrimitiveDraft.descriptor(DNNL_ARG_WEIGHTS, weights.dims, in: pins)
      let dst = try PrimitiveDraft.descriptor(DNNL_ARG_DST, target.dims, in: pins)
      let add = try bias.map { try MemoryDescriptor.dense($0.shape.dims) }
      return try PrimitiveDescriptor("dnnl_convolution_forward_primitive_desc_create") {
        fi_dnnl_convolution_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, dnnl_convolution_direct, src.raw, wei.raw, add?.raw,
          dst.raw, window.strides.wide, window.dilations.wide, window.before.wide, window.after.wide,
          attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC, index: 0, view: source),
      .init(number: DNNL_ARG_WEIGHTS, index: 1, view: weights, isPacked: true),
    ]
    if let bias {
      guard bias.shape.dims == [w.shape.dims[0]] else { return nil }
      draft.operands.append(.init(number: DNNL_ARG_BIAS, index: 2, view: TensorView(bias.shape)))
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = .broadcasting(request, sums: true)
    draft.candidates = try imageCandidates(
      x, source, target, prefersGiven: x.layout != .plain || x.shape.dims[1] <= Self.fewChannels)
    // The library's plain loops take ten times as long as our own, which read weights that are not packed.
    draft.allowsReference = w.layout != .plain
    let tableBytes = y.shape.dims[y.shape.rank - 1] * LibraryLimits.tableBytesAPlace
    draft.tableBytes = { $0.hasPrefix("brgconv:") ? tableBytes : 0 }
    let isDepthwise = op.groups > 1 && op.groups == x.shape.dims[1]
    if tableBytes > LibraryLimits.tables, !isDepthwise {
      let others = tableBytes <= LibraryLimits.largestTables ? draft.candidates : []
      draft.candidates = try candidatesWithoutTables(source, target) + others
    }
    return draft
  }

  /// Blocks of channels, and plain images, which are multiplied as matrices: the library has no batch-reduced convolutions of
  /// them.
  private func candidatesWithoutTables(
    _ source: TensorView, _ target: TensorView
  ) throws -> [PrimitiveDraft.Pins] {
    let plain = try source.descriptor()
    var candidates: [PrimitiveDraft.Pins] = []
    if let before = try MemoryDescriptor.channelBlocks(source.dims),
      let after = try MemoryDescriptor.channelBlocks(target.dims)
    {
      let isFirst = source.dims[1] <= Self.fewChannels
      candidates.append([DNNL_ARG_SRC: isFirst ? plain : before, DNNL_ARG_DST: after])
    }
    candidates.append([DNNL_ARG_SRC: plain, DNNL_ARG_DST: try target.descriptor()])
    return candidates
  }

  /// Up to so many channels the library's convolutions read a plain image, as first layers do.
  private static let fewChannels = 4

  /// Layouts of an image and its result to try, in an order: the one it comes in, blocks of channels, any, and plain; at
  /// last channels behind, of the image and then of both, which the library has kernels for but does not choose by itself.
  ///
  /// Blocks come before what the library would choose: their kernels take the same weights for every image size and
  /// number of threads, where those of other layouts do not and fall to plain loops at another size.
  func imageCandidates(
    _ operand: Operand, _ source: TensorView, _ target: TensorView, prefersGiven: Bool
  ) throws -> [PrimitiveDraft.Pins] {
    let any: PrimitiveDraft.Pins = [:]
    let plain = try [DNNL_ARG_SRC: source.descriptor()]
    let order = [0] + (2..<source.dims.count) + [1]
    let last = try [DNNL_ARG_SRC: TensorView(source.dims, order: order).descriptor()]
    let behind = try last.merging([DNNL_ARG_DST: TensorView(target.dims, order: order).descriptor()]) { $1 }
    var free = [any]
    var first = [plain]
    if let blocks = try MemoryDescriptor.channelBlocks(target.dims) {
      first.insert(plain.merging([DNNL_ARG_DST: blocks]) { $1 }, at: 0)
      if let before = try MemoryDescriptor.channelBlocks(source.dims) {
        free.insert([DNNL_ARG_SRC: before, DNNL_ARG_DST: blocks], at: 0)
      }
    }
    guard operand.layout != .plain, let descriptor = try operand.descriptor(as: source) else {
      return (prefersGiven ? first + free : free + [plain]) + [last, behind]
    }
    var given = [[DNNL_ARG_SRC: descriptor]]
    // Depthwise kernels take a blocked image only where the result is asked for in the same layout.
    let stored = try StoredLayout(operand.layout, of: operand.elementType, operand.shape)
    if let alike = try stored.descriptor(alike: target.dims) {
      given.append([DNNL_ARG_SRC: descriptor, DNNL_ARG_DST: alike])
    }
    return (prefersGiven ? given + free : free + given) + [plain, last, behind]
  }
}

extension KernelRequest {
  /// The convolution of an image that is one element wide as that of a signal, `nil` for others: the library's kernels
  /// work along the last axis, and find nothing to do there otherwise.
  fileprivate func columnAsRow(_ op: Convolution) -> (KernelRequest, Convolution)? {
    let shapes = [ownOperand(0)?.shape, ownOperand(1)?.shape, optionalResult(0)?.shape]
    guard postOps.allSatisfy({ if case .unary = $0 { true } else { false } }),
      shapes.allSatisfy({ $0?.rank == 4 && $0?.dims[3] == 1 }), (shapes[0]?.dims[2] ?? 1) > 1
    else { return nil }
    var (row, op) = (self, op)
    for index in 0..<2 {
      guard let shape = row.operands[index]?.shape.withoutLastAxis else { return nil }
      row.operands[index]?.shape = shape
    }
    guard let shape = row.results[0]?.shape.withoutLastAxis else { return nil }
    row.results[0]?.shape = shape
    op.strides = Array(op.strides.prefix(1))
    op.dilations = Array(op.dilations.prefix(1))
    if case .explicit(let pads) = op.padding {
      guard pads.count == 4, pads[1] == 0 else { return nil }
      op.padding = .explicit([pads[0], pads[2]])
    }
    return (row, op)
  }
}

extension Shape {
  fileprivate var withoutLastAxis: Shape? { try? Shape(checking: Array(dims.dropLast())) }
}

extension MemoryDescriptor {
  /// An image whose channels lie in blocks as wide as the machine's registers; `nil` for other ranks.
  static func channelBlocks(_ dims: [Int]) throws -> MemoryDescriptor? {
    try channelBlockTag(rank: dims.count).map { try MemoryDescriptor(dims, tag: $0) }
  }

  /// The format of ``channelBlocks(_:)``.
  static func channelBlockTag(rank: Int) -> dnnl_format_tag_t? {
    let wide = dnnl_cpu_isa_avx512_core.rawValue
    let isWide = dnnl_get_effective_cpu_isa().rawValue & wide == wide
    return switch rank {
    case 3: isWide ? dnnl_aBc16b : dnnl_aBc8b
    case 4: isWide ? dnnl_aBcd16b : dnnl_aBcd8b
    case 5: isWide ? dnnl_aBcde16b : dnnl_aBcde8b
    default: nil
    }
  }
}

extension PostOpFusion {
  /// Operands broadcast to a result whose axes the primitive sees as they are.
  static func broadcasting(_ request: KernelRequest, sums: Bool = false) -> PostOpFusion {
    guard let result = request.optionalResult(0) else { return PostOpFusion() }
    return PostOpFusion(request, sums: sums, result: TensorView(result.shape).dims) {
      $0.rank <= result.shape.rank ? TensorView($0, rank: result.shape.rank) : nil
    }
  }
}
