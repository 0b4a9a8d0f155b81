import ModelGraph

extension Pass {
  /// Puts the branch that is taken in the place of a conditional whose condition is known.
  public static let conditionalInlining = Pass(name: "conditional inlining", kind: .folding) { graph, _ in
    var inlined = 0
    // From the last to the first: what is put in does not move those that are still to come.
    for index in graph.nodes.indices.reversed() {
      guard case .conditional(let then, let otherwise) = graph.nodes[index].op,
        let condition = graph.tensor(graph.nodes[index].inputs.first ?? nil)?.integers, condition.count == 1
      else { continue }
      try graph.inline(condition[0] != 0 ? then : otherwise, replacing: index)
      inlined += 1
    }
    return inlined
  }
}
