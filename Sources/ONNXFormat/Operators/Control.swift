import ModelGraph

extension OperatorImport {
  /// Control flow.
  static let controlOperators: [String: OperatorImport] = ["If": OperatorImport(1...1, conditional)]

  /// Branches are closed: what either of them captures becomes an input of both, constants too.
  private static func conditional(_ node: NodeImport) throws {
    let protos = [try node.graphAttribute("then_branch"), try node.graphAttribute("else_branch")]
    var seen: Set<String> = []
    var names: [String] = []
    for name in protos.flatMap(capturedNames) where seen.insert(name).inserted { names.append(name) }
    let captured = try names.map { name in
      guard let id = node.graph.value(name) else {
        throw node.malformed("has a branch that uses the value '\(shown(name))', which nothing makes")
      }
      return (name: name, id: id)
    }
    let branches = try zip(protos, ["then", "else"]).map { proto, name in
      guard proto.input.isEmpty else { throw node.malformed("has a branch with inputs") }
      let graph = try GraphImport(
        node.graph.model, proto, name: "\(node.graph.graph.name)/\(node.name)/\(name)",
        capturing: captured.map { ($0.name, node.graph.type(of: $0.id)) }
      ).read()
      guard graph.outputs.count == node.proto.output.count else {
        throw node.malformed(
          "has \(node.proto.output.count) results, but its \(name) branch gives \(graph.outputs.count)")
      }
      return graph
    }
    try node.emit(
      .conditional(then: branches[0], otherwise: branches[1]), [try node.operand(0)] + captured.map(\.id))
  }
}
