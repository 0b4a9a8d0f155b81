/// Host bytes that parts of a graph keep, about: by the heap of a server that opened graphs of 5,000 and of 20,000 nodes.
enum GraphCost {
  static let graph = 512

  static func of(_ value: Value) -> Int {
    192 + value.name.utf8.count + 96 * (value.type?.dimensions?.count ?? 0)
  }

  static func of(_ constant: Constant) -> Int { 192 + (constant.tensor?.byteCount ?? 0) }

  /// Without the branches of a conditional.
  static func of(_ node: Node) -> Int {
    576 + node.name.utf8.count + 16 * (node.inputs.count + node.outputs.count) + 64 * node.postOps.count
      + node.op.base.footprint
  }
}

extension Graph {
  /// Host bytes that the graph keeps, about, with those that branches keep.
  public var footprint: Int {
    let values = values.reduce(0) { $0 + GraphCost.of($1) }
    let constants = constants.values.reduce(0) { $0 + GraphCost.of($1) }
    return nodes.reduce(GraphCost.graph + values + constants) { sum, node in
      node.op.bodies.reduce(sum + GraphCost.of(node)) { $0 + $1.footprint }
    }
  }
}
