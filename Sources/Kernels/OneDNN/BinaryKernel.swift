import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Binary: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.binary(request, function)
  }
}

extension OneDNNEngine {
  /// oneDNN's binary functions of two float operands, one of which may broadcast.
  func binary(_ request: KernelRequest, _ function: BinaryFunction) throws -> PrimitiveDraft? {
    guard let a = request.ownOperand(0), let b = request.ownOperand(1), let y = request.optionalResult(0),
      request.isAllFloat, function != .maximum, function != .minimum
    else { return nil }
    if a.shape == y.shape, let number = b.number, let chain = EltwiseFunction.chain(function, number),
      !chain.isEmpty
    {
      return try eltwise(request, chain)
    }
    if b.shape == y.shape, let number = a.number, let chain = function.chain(from: number) {
      var swapped = request
      swapped.operands.swapAt(0, 1)
      return try eltwise(swapped, chain)?.swappingOperands
    }
    guard let algorithm = function.algorithm else { return nil }
    if a.shape == y.shape {
      return try binary(request, algorithm, whole: (0, a), other: (1, b))
    }
    guard b.shape == y.shape else { return nil }
    switch function {
    case .add, .multiply:
      return try binary(request, algorithm, whole: (1, b), other: (0, a))
    case .subtract:
      var draft = try binary(request, algorithm, whole: (1, b), other: (0, a))
      draft?.fusion.prepend([.linear(-1, 0)])
      return draft
    default: return nil
    }
  }

  /// - Parameters:
  ///   - whole: the operand that has the result's shape, and its index.
  ///   - other: the other one, which may broadcast.
  private func binary(
    _ request: KernelRequest, _ algorithm: dnnl_alg_kind_t, whole: (index: Int, operand: Operand),
    other: (index: Int, operand: Operand)
  ) throws -> PrimitiveDraft? {
    guard let views = try operandViews(whole.operand, other.operand) else { return nil }
    let (source, second) = (views.whole, views.other)
    guard source.dims.count >= 1 else { return nil }
    let layout = try commonLayout(whole.operand, other.operand, source, isFull: source.dims == second.dims)
    var secondLayout = source.dims == second.dims ? layout : try second.descriptor()
    if source.dims != second.dims, whole.operand.layout != .plain,
      let alike = try StoredLayout(whole.operand.layout, of: whole.operand.elementType, whole.operand.shape)
        .descriptor(alike: second.dims)
    {
      // The library takes no plain operand beside a blocked one.
      secondLayout = alike
    }
    var draft = PrimitiveDraft { [handle, secondLayout] pins, attributes in
      let src1 = pins[DNNL_ARG_SRC_1] ?? secondLayout
      let src0 = pins[DNNL_ARG_SRC_0] ?? layout
      return try PrimitiveDescriptor("dnnl_binary_primitive_desc_create") {
        fi_dnnl_binary_primitive_desc_create(
          $0, handle.raw, algorithm, src0.raw, src1.raw, src0.raw, attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC_0, index: whole.index, view: source),
      .init(number: DNNL_ARG_SRC_1, index: other.index, view: second),
    ]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: source)]
    draft.inPlaceOperands = [whole.index]
    draft.fusion = PostOpFusion(request, result: source.dims) { _ in nil }
    draft.allowsReference = false
    return draft
  }

  /// Returns the operands as the primitive sees them, with as few axes as possible if both are plain.
  private func operandViews(_ whole: Operand, _ other: Operand) throws -> (
    whole: TensorView, other: TensorView
  )? {
    let dims = TensorView(whole.shape).dims
    guard other.shape.rank <= dims.count else { return nil }
    let broadcast = TensorView(other.shape, rank: dims.count).dims
    guard zip(broadcast, dims).allSatisfy({ $0 == 1 || $0 == $1 }) else { return nil }
    guard whole.layout == .plain, other.layout == .plain || broadcast != dims else {
      return (TensorView(dims), TensorView(broadcast))
    }
    let groups = AxisGroups.largest(dims, broadcasting: [broadcast])
    guard let merged = groups.merge(broadcast, broadcastTo: dims) else { return nil }
    return (TensorView(groups.merge(dims)), TensorView(merged))
  }

  /// The layout that both operands of equal shapes get: a weight's, which is final, else a blocked one.
  private func commonLayout(
    _ whole: Operand, _ other: Operand, _ view: TensorView, isFull: Bool
  ) throws -> MemoryDescriptor {
    var choices = [whole]
    if isFull {
      if whole.layout == .plain, other.immediate == nil { choices.insert(other, at: 0) }
      if case .weight = other.source { choices.insert(other, at: 0) }
      if case .weight = whole.source { choices.insert(whole, at: 0) }
    }
    for choice in choices {
      if let layout = try choice.descriptor(as: view) { return layout }
    }
    return try view.descriptor()
  }
}

extension BinaryFunction {
  /// The function of the second operand when the first is a number; `nil` when oneDNN has no such.
  fileprivate func chain(from number: Float) -> [EltwiseFunction]? {
    switch self {
    case .add, .multiply: EltwiseFunction.chain(self, number)
    case .subtract: [.linear(-1, number)]
    case .divide: [EltwiseFunction(algorithm: dnnl_eltwise_pow, alpha: number, beta: -1)]
    default: nil
    }
  }
}

extension PrimitiveDraft {
  /// The same for a request whose first two operands are the other way round.
  fileprivate var swappingOperands: PrimitiveDraft {
    var draft = self
    func swapped(_ index: Int) -> Int { index < 2 ? 1 - index : index }
    for position in draft.operands.indices {
      draft.operands[position].index = swapped(operands[position].index)
    }
    draft.inPlaceOperands = inPlaceOperands.map(swapped)
    return draft
  }
}
