import ModelGraph

extension Pass {
  /// Puts the branch that is taken in the place of a conditional whose condition is known.
  public static let conditionalInlining = Pass(name: "conditional inlining", kind: .folding) { graph, _ in
    var inlined = 0
    // From the last to the first: what is put in does not move those that are still to come.
    for index in graph.nodes.indices.reversed() {
      guard let conditional = graph.nodes[index].op.as(Conditional.self),
        let condition = graph.tensor(graph.nodes[index].inputs.first ?? nil)?.integers, condition.count == 1
      else { continue }
      try graph.inline(condition[0] != 0 ? conditional.then : conditional.otherwise, replacing: index)
      inlined += 1
    }
    return inlined
  }
}
