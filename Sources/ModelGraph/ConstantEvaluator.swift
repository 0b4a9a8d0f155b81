import Tensors

/// Computes nodes whose operands are all known. Passes that fold constants are handed one; who has kernels makes it.
public protocol ConstantEvaluator: Sendable {
  /// Computes `node`.
  /// - Parameters:
  ///   - operands: the elements of ``Node/operands`` in order; `nil` for an optional operand that is left out.
  ///   - resultTypes: what inference knows of `node.outputs`, in order.
  ///   - graph: the graph's name, for error messages.
  /// - Returns: the results in order, or `nil` when this evaluator has no kernel for the node.
  func evaluate(
    _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
  ) throws -> [Tensor?]?
}
