import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension MatrixMultiply: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.matrixMultiply(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's matmul, for ONNX `MatMul` and `Gemm`: a […, M, K], b […, K, N], bias that broadcasts to the result.
  func matrixMultiply(_ request: KernelRequest, _ op: MatrixMultiply) throws -> PrimitiveDraft? {
    guard request.isAllFloat, let shapes = MatrixShapes(request, op) else { return nil }
    let drafts = try shapes.groupings.compactMap { try matrixMultiply(request, op, shapes, $0) }
    return drafts.max { $0.fusion.count < $1.fusion.count }
  }

  private func matrixMultiply(
    _ request: KernelRequest, _ op: MatrixMultiply, _ shapes: MatrixShapes, _ groups: AxisGroups
  ) throws -> PrimitiveDraft? {
    guard let b = request.ownOperand(1) else { return nil }
    let (left, right) = (shapes.left(groups), shapes.right(groups))
    let target = TensorView(groups.merge(shapes.result))
    var fusion = PostOpFusion(request, result: target.dims) { shape in
      shapes.operand(shape).flatMap { groups.merge($0, broadcastTo: shapes.result) }.map { TensorView($0) }
    }
    var bias: TensorView?
    if let operand = request.ownOperand(2) {
      guard let dims = shapes.operand(operand.shape),
        let merged = groups.merge(dims, broadcastTo: shapes.result)
      else { return nil }
      let view = TensorView(merged)
      if op.alpha == 1, merged.dropLast().allSatisfy({ $0 == 1 }), merged.last == target.dims.last {
        bias = view
      } else {
        let operand = PostOpOperand(index: 2, view: view, isFull: merged == target.dims)
        fusion.prepend(.binary(dnnl_binary_add, operand))
      }
    }
    if op.alpha != 1 { fusion.prepend([.linear(Float(op.alpha), 0)]) }
    var draft = PrimitiveDraft { [handle, bias] pins, attributes in
      let src = try PrimitiveDraft.descriptor(DNNL_ARG_SRC, left.dims, in: pins)
      let wei = try PrimitiveDraft.descriptor(DNNL_ARG_WEIGHTS, right.dims, in: pins)
      let dst = try PrimitiveDraft.descriptor(DNNL_ARG_DST, target.dims, in: pins)
      let add = try bias?.descriptor()
      return try PrimitiveDescriptor("dnnl_matmul_primitive_desc_create") {
        fi_dnnl_matmul_primitive_desc_create(
          $0, handle.raw, src.raw, wei.raw, add?.raw, dst.raw, attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC, index: 0, view: left),
      .init(number: DNNL_ARG_WEIGHTS, index: 1, view: right, isPacked: true),
    ]
    if let bias { draft.operands.append(.init(number: DNNL_ARG_BIAS, index: 2, view: bias)) }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = fusion
    var pins = [DNNL_ARG_SRC: try left.descriptor(), DNNL_ARG_DST: try target.descriptor()]
    for (argument, operand) in fusion.arguments where operand.isFull {
      pins[argument] = try operand.view.descriptor()
    }
    if case .activation = b.source, b.layout == .plain { pins[DNNL_ARG_WEIGHTS] = try right.descriptor() }
    draft.candidates = [pins]
    return draft
  }
}

/// The shapes of a matrix product with all axes there: batch axes, then rows and columns.
struct MatrixShapes {
  private(set) var result: [Int]
  private let a: TensorView
  private let b: TensorView
  /// Axes of ``result`` that the request's result does not have: ONNX drops those of vectors.
  private let dropped: [Int]
  private let transposesRows: Bool

  init?(_ request: KernelRequest, _ op: MatrixMultiply) {
    guard let a = request.ownOperand(0), let b = request.ownOperand(1),
      let y = request.optionalResult(0), a.shape.rank >= 1, b.shape.rank >= 1
    else { return nil }
    var (left, right) = (TensorView(a.shape), TensorView(b.shape))
    let (isRow, isColumn) = (left.dims.count == 1, right.dims.count == 1)
    if isRow { left = TensorView([1] + left.dims) }
    if isColumn { right = TensorView(right.dims + [1]) }
    transposesRows = op.transposeA && !isRow
    if transposesRows { left = left.transposed }
    if op.transposeB, !isColumn { right = right.transposed }
    let rank = max(left.dims.count, right.dims.count)
    self.a = left.expanded(to: rank)
    self.b = right.expanded(to: rank)
    guard self.a.dims[rank - 1] == self.b.dims[rank - 2] else { return nil }
    result = []
    for (x, y) in zip(self.a.dims.dropLast(2), self.b.dims.dropLast(2)) {
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(max(x, y))
    }
    result += [self.a.dims[rank - 2], self.b.dims[rank - 1]]
    dropped = (isRow ? [rank - 2] : []) + (isColumn ? [rank - 1] : [])
    let kept = result.indices.filter { [dropped] in !dropped.contains($0) }.map { [result] in result[$0] }
    guard y.shape.dims == kept else { return nil }
  }

  /// Ways to see the product with fewer axes, the best first.
  var groupings: [AxisGroups] {
    let rank = result.count
    var ways: [AxisGroups] = []
    let isShared = b.dims.dropLast(2).allSatisfy { $0 == 1 }
    if rank > 2, isShared, !transposesRows, a.isRowMajor, a.dims.dropLast() == result.dropLast() {
      ways.append(AxisGroups(groups: [0..<rank - 1, rank - 1..<rank]))
    }
    if rank > 3, a.dims.dropLast(2) == result.dropLast(2),
      isShared || b.dims.dropLast(2) == result.dropLast(2)
    {
      ways.append(AxisGroups(groups: [0..<rank - 2, rank - 2..<rank - 1, rank - 1..<rank]))
    }
    return ways + [.separate(rank)]
  }

  func left(_ groups: AxisGroups) -> TensorView { a.merged(groups) }

  /// The right matrix has rows where the left one has columns: its last two axes are never merged.
  func right(_ groups: AxisGroups) -> TensorView {
    let rank = result.count
    if groups.groups.count == 2, rank > 2 {
      return TensorView(Array(b.dims.suffix(2)), strides: b.strides.suffix(2))
    }
    return b.merged(groups)
  }

  /// The dims along ``result`` of an operand that broadcasts to the request's result.
  func operand(_ shape: Shape) -> [Int]? {
    let missing = result.count - dropped.count - shape.rank
    guard missing >= 0 else { return nil }
    var dims = Array(repeating: 1, count: missing) + shape.dims
    for axis in dropped { dims.insert(1, at: axis) }
    return zip(dims, result).allSatisfy { $0 == 1 || $0 == $1 } ? dims : nil
  }
}

extension TensorView {
  /// With the last two axes swapped.
  fileprivate var transposed: TensorView {
    var view = self
    view.dims.swapAt(dims.count - 1, dims.count - 2)
    view.strides.swapAt(dims.count - 1, dims.count - 2)
    return view
  }

  /// With axes of size 1 in front.
  fileprivate func expanded(to rank: Int) -> TensorView {
    let missing = rank - dims.count
    guard missing > 0 else { return self }
    return TensorView(
      Array(repeating: 1, count: missing) + dims,
      strides: Array(repeating: dims.indices.map { dims[$0] * strides[$0] }.max() ?? 1, count: missing)
        + strides)
  }

  /// With each group as one axis. Within a group of several the axes must be row-major.
  fileprivate func merged(_ groups: AxisGroups) -> TensorView {
    TensorView(groups.merge(dims), strides: groups.groups.map { strides[$0.upperBound - 1] })
  }
}
