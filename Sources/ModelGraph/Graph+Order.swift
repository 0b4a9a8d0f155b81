extension Graph {
  /// Puts every node after the nodes that make its operands, and otherwise leaves the order as it is: a graph that is in
  /// order does not change. Linear in the number of operands, and does not recurse.
  /// - Throws: ``GraphError`` when nodes wait for each other in a circle.
  public mutating func sortTopologically() throws(GraphError) {
    let producers = uses().producers
    enum Mark { case untouched, open, done }
    var marks = [Mark](repeating: .untouched, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    // Each entry: a node, and those of its operands that have not been looked at.
    var path: [(node: Int, operands: ArraySlice<ValueID?>)] = []
    for root in nodes.indices where marks[root] == .untouched {
      path.append((root, nodes[root].operands[...]))
      marks[root] = .open
      while let node = path.last?.node {
        guard let operand = path[path.count - 1].operands.popFirst() else {
          marks[node] = .done
          order.append(node)
          path.removeLast()
          continue
        }
        guard let id = operand, producers.indices.contains(id.index),
          let producer = producers[id.index]
        else { continue }
        switch marks[producer] {
        case .done: continue
        case .open: throw cycle(through: path.map(\.node), from: producer)
        case .untouched:
          marks[producer] = .open
          path.append((producer, nodes[producer].operands[...]))
        }
      }
    }
    nodes = order.map { nodes[$0] }
  }

  private func cycle(through path: [Int], from node: Int) -> GraphError {
    let circle = path.drop { $0 != node }.prefix(8).map { "'\(nodes[$0].name)'" }
    return GraphError(
      .verification(
        graph: name, detail: "its nodes wait for each other in a circle: " + circle.joined(separator: " ← ")))
  }
}
