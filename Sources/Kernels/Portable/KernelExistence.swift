import Device
import ModelGraph
import Tensors

extension PortableKernel {
  /// Returns true if there is a kernel for `op` with these element types. It is asked for one at the smallest sizes: sizes
  /// decide which kernel it is, types alone whether there is one.
  package static func exists(for op: Op, operands: [ElementType?], results: [ElementType?]) -> Bool {
    guard let request = KernelRequest(smallest: op, operands: operands, results: results) else { return true }
    do { return try Program.build(request) != nil } catch {
      // The sizes do not suit the op, or types contradict each other: asked for with its own sizes, it says so.
      return true
    }
  }
}

extension KernelRequest {
  /// The least work that an op can do; `nil` for one that no kernel computes.
  package init?(smallest op: Op, operands: [ElementType?], results: [ElementType?]) {
    if op.is(Conditional.self) { return nil }
    let node = op.base.smallest(operands: operands.count, results: results.count)
    self.init(
      model: "", node: "", op: node.op,
      operands: zip(node.operands, operands).map { operand, type in type.flatMap { operand.requested($0) } },
      results: zip(node.results, results).map { sizes, type in
        type.flatMap { type in (try? Shape(checking: sizes)).map { ResultType(type, $0) } }
      })
  }
}

extension SmallestNode.Operand {
  /// The operand in a request, with elements of `type`; `nil` if it is left out.
  fileprivate func requested(_ type: ElementType) -> Operand? {
    var sizes = [1]
    switch self {
    case .absent: return nil
    case .sizes(let given): sizes = given
    case .integers(let numbers):
      let tensor =
        type == .int32
        ? try? Tensor(numbers.map { Int32($0) }, shape: Shape(checking: [numbers.count]))
        : type == .int64
          ? try? Tensor(numbers.map { Int64($0) }, shape: Shape(checking: [numbers.count])) : nil
      if let tensor { return Operand(immediate: tensor) }
    }
    return (try? Shape(checking: sizes)).map { Operand(elementType: type, shape: $0) }
  }
}

extension Operator {
  /// True if there is a kernel for the operator, whatever the element types.
  package static var hasKernels: Bool {
    self is any PortableOperator.Type || self is any OneDNNOperator.Type || self is any ComposedOperator.Type
  }
}
