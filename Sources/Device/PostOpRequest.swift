import ModelGraph

/// A post-op in a request for a kernel.
public enum PostOpRequest: Sendable, Hashable {
  case unary(UnaryFunction)
  /// `result = function(result, operands[operand])` with the operands of the request; the operand alone is broadcast.
  case binary(BinaryFunction, operand: Int)

  /// The index of the request's operand that the function reads beside the result.
  public var operand: Int? { if case .binary(_, let operand) = self { operand } else { nil } }
}

extension KernelRequest {
  /// A request for the kernel of `node`.
  /// - Parameter operands: those of ``Node/operands``, in order.
  public init(
    _ node: Node, model: String, operands: [Operand?], results: [ResultType?], threads: [Int] = [1]
  ) {
    var next = node.inputs.count
    let postOps = node.postOps.map { postOp -> PostOpRequest in
      switch postOp {
      case .unary(let function): return .unary(function)
      case .binary(let function, _):
        defer { next += 1 }
        return .binary(function, operand: next)
      }
    }
    self.init(
      model: model, node: node.name, op: node.op, postOps: postOps, operands: operands,
      ownOperandCount: node.inputs.count, results: results, threads: threads)
  }
}
