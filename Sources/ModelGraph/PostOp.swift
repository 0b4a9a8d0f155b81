/// An element-wise function that a kernel applies to its first result while that is still in registers.
public enum PostOp: Sendable, Hashable {
  case unary(UnaryFunction)
  /// `result = function(result, operand)`, with broadcasting of the operand alone.
  case binary(BinaryFunction, ValueID)

  /// The value that the function reads beside the result.
  public var operand: ValueID? { if case .binary(_, let operand) = self { operand } else { nil } }
}

extension Node {
  /// Every value that the node reads: ``inputs``, then the operands of ``postOps`` in order; `nil` for an input that is
  /// left out.
  public var operands: [ValueID?] {
    postOps.isEmpty ? inputs : inputs + postOps.map(\.operand).filter { $0 != nil }
  }

  /// Replaces every value that the node reads.
  /// - Parameter transform: returns the value to read in place of the given one, which has this index in ``operands``.
  public mutating func mapOperands(_ transform: (_ id: ValueID, _ index: Int) -> ValueID) {
    for index in inputs.indices {
      guard let old = inputs[index] else { continue }
      let new = transform(old, index)
      // Arrays that stay as they are stay shared.
      if new != old { inputs[index] = new }
    }
    var index = inputs.count
    for position in postOps.indices {
      guard case .binary(let function, let old) = postOps[position] else { continue }
      let new = transform(old, index)
      if new != old { postOps[position] = .binary(function, new) }
      index += 1
    }
  }
}
