/// An operator that runs a graph of its own, its body, several times.
///
/// The body is closed: what it captures from outside are its last inputs. Each of these is the node's operand of the
/// same index.
package protocol LoopingOperator: Operator {
  /// The graph of one round.
  var body: Graph { get set }
  /// The index of the first operand that the body captures.
  var firstCapture: Int { get }
  /// The index of the body's first output that is kept of every round.
  var firstCollected: Int { get }
}

extension Op {
  /// The operator if it runs a body.
  package var looping: (any LoopingOperator)? { base as? any LoopingOperator }

  /// The graphs inside the operator: the branches of a conditional, or the body of a loop.
  package var bodies: [Graph] {
    if let conditional = self.as(Conditional.self) { return [conditional.then, conditional.otherwise] }
    return looping.map { [$0.body] } ?? []
  }
}

extension NodeTyping {
  /// Returns the facts of the body's outputs for facts of its inputs before the captured ones.
  ///
  /// - Parameter rounds: the number of inputs from `first` on that a round gives to the next one, by outputs from
  ///   `firstResult` on. If a round changes their shapes, what differs is left open.
  func bodyResults(
    of looping: some LoopingOperator, _ inputs: [Fact?], carried: Swift.Range<Int>, firstResult: Int
  ) throws(GraphError) -> [Fact?] {
    let body = looping.body
    guard body.inputs.count == max(operands.count, looping.firstCapture),
      inputs.count == looping.firstCapture,
      body.outputs.count >= looping.firstCollected,
      node.outputs.count <= carried.count + body.outputs.count - looping.firstCollected
    else {
      throw failure(
        "its body '\(body.name)' has \(body.inputs.count) inputs and \(body.outputs.count) outputs, where it has "
          + "\(operands.count) operands and \(node.outputs.count) results")
    }
    var inputs = inputs
    // Sizes are opened once, then ranks: more rounds change nothing.
    // Of loops in loops in loops, ranks are opened at once: otherwise each level would multiply the rounds.
    for _ in 0..<(depth > 1 ? 0 : 4) {
      let results = try bodyResults(
        of: body, inputs + (looping.firstCapture..<body.inputs.count).map { operands[$0] })
      var isStable = true
      for (position, index) in carried.enumerated() {
        guard let before = inputs[index], let after = results[firstResult + position] else { continue }
        guard before.type.elementType == after.type.elementType else {
          throw failure("a round makes a \(after.type) of a \(before.type)")
        }
        let joined = before.joined(with: after)
        if joined.type != before.type || before.elements != nil {
          inputs[index] = Fact(joined.type)
          isStable = false
        }
      }
      if isStable { return results }
    }
    return try bodyResults(
      of: body,
      inputs.enumerated().map { carried.contains($0) ? $1.map { Fact($0.type.open) } : $1 }
        + (looping.firstCapture..<body.inputs.count).map { operands[$0] })
  }

  private func bodyResults(of body: Graph, _ arguments: [Fact?]) throws(GraphError) -> [Fact?] {
    let arguments = zip(body.inputs, arguments).map { id, fact in
      fact ?? (body.values.indices.contains(id.index) ? body.values[id.index].type.map { Fact($0) } : nil)
    }
    let facts = try body.inferFacts(arguments, depth: depth + 1)
    var results: [Fact?] = []
    for id in body.outputs {
      guard facts.indices.contains(id.index) else {
        throw failure("an output of '\(body.name)' is not in it")
      }
      results.append(facts[id.index].map { Fact($0.type) })
    }
    return results
  }
}
