import Tensors

extension NodeTyping {
  /// The results once the post-ops have been applied to the first.
  func afterPostOps(_ results: [Fact?]) throws(GraphError) -> [Fact?] {
    guard !node.postOps.isEmpty, var first = results.first ?? nil else { return results }
    let shape = first.type.dimensions
    var others = postOpOperands[...]
    for postOp in node.postOps {
      switch postOp {
      case .unary(let function): first = unary(function, first) ?? first
      case .binary(let function, _):
        guard let other = others.popFirst() ?? nil else {
          first = Fact(first.type)
          continue
        }
        try checkBroadcast(other.type.dimensions, to: shape, "the operand of post-op \(function)")
        first = try binary(function, first, other) ?? first
        // The operand alone is broadcast.
        first.type.dimensions = shape
      }
    }
    var results = results
    results[0] = first
    return results
  }

  /// Checks the numbers of operands and results, and that the required operands are there.
  func checkCounts() throws(GraphError) {
    let signature = node.op.signature
    let count = node.inputs.count
    guard signature.operands.contains(count) else {
      throw failure("it has \(count) operands, where \(ArityText.of(signature.operands)) are allowed")
    }
    guard signature.results.contains(node.outputs.count) else {
      throw failure(
        "it has \(node.outputs.count) results, where \(ArityText.of(signature.results)) are allowed")
    }
    for index in 0..<count where signature.isRequired(index) && node.inputs[index] == nil {
      throw failure("operand \(index) is left out, but it is required")
    }
  }
}

private enum ArityText {
  static func of(_ range: ClosedRange<Int>) -> String {
    range.upperBound == Int.max
      ? "\(range.lowerBound) or more"
      : range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
