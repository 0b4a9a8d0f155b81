import ModelGraph

extension Pass {
  /// Drops nodes whose results nobody reads, constants that nobody reads, and results and captured operands of
  /// conditionals that nobody reads, there as well as in the branches.
  public static let deadCode = Pass(name: "dead code", kind: .simplification) { graph, _ in
    let before = (graph.nodeCountWithBranches, graph.constants.count)
    var changes = graph.dropUnreadResults()
    graph.removeDeadCode()
    changes += graph.dropUnreadCaptures()
    graph.removeDeadCode()
    let after = (graph.nodeCountWithBranches, graph.constants.count)
    return changes + (before.0 - after.0) + (before.1 - after.1)
  }
}

extension Graph {
  /// Drops results of conditionals that nobody reads, and what the branches give for them.
  fileprivate mutating func dropUnreadResults() -> Int {
    let uses = uses()
    var changes = 0
    for index in nodes.indices {
      guard var conditional = nodes[index].op.as(Conditional.self) else { continue }
      let kept = nodes[index].outputs.indices.filter { result in
        nodes[index].outputs[result].map(uses.isUsed) ?? false
      }
      guard kept.count < nodes[index].outputs.count, !kept.isEmpty,
        conditional.then.outputs.count == nodes[index].outputs.count,
        conditional.otherwise.outputs.count == nodes[index].outputs.count
      else { continue }
      changes += nodes[index].outputs.count - kept.count
      nodes[index].outputs = kept.map { nodes[index].outputs[$0] }
      conditional.then.outputs = kept.map { conditional.then.outputs[$0] }
      conditional.otherwise.outputs = kept.map { conditional.otherwise.outputs[$0] }
      nodes[index].op = Op(conditional)
    }
    return changes
  }

  /// Drops captured operands that neither branch reads.
  fileprivate mutating func dropUnreadCaptures() -> Int {
    var changes = 0
    for index in nodes.indices {
      guard var conditional = nodes[index].op.as(Conditional.self) else { continue }
      let (then, otherwise) = (conditional.then, conditional.otherwise)
      let (thenUses, otherwiseUses) = (then.uses(), otherwise.uses())
      let captured = min(then.inputs.count, otherwise.inputs.count, max(nodes[index].inputs.count - 1, 0))
      let kept = (0..<captured).filter {
        thenUses.isUsed(then.inputs[$0]) || otherwiseUses.isUsed(otherwise.inputs[$0])
      }
      guard kept.count < captured else { continue }
      changes += captured - kept.count
      nodes[index].inputs = [nodes[index].inputs[0]] + kept.map { nodes[index].inputs[$0 + 1] }
      conditional.then.inputs = kept.map { then.inputs[$0] }
      conditional.otherwise.inputs = kept.map { otherwise.inputs[$0] }
      nodes[index].op = Op(conditional)
    }
    return changes
  }
}
