import ModelGraph

/// The values that subgraphs of a node capture, as operands of that node.
struct Captures {
  /// The operands, and the name of each in the subgraphs.
  private(set) var operands: [(name: String, id: ValueID)] = []
  /// The captured sequences and absent optionals, by the names of their elements among the operands.
  private var composites: [String: [String]?] = [:]

  /// True if a sequence or an absent optional is captured.
  var hasComposites: Bool { !composites.isEmpty }

  /// - Throws: ``ONNXError`` if `node` has a subgraph that uses a value which is not there.
  init(of protos: [ONNXGraphProto], in node: NodeImport) throws {
    var seen: Set<String> = []
    for name in protos.flatMap(capturedNames) where seen.insert(name).inserted {
      switch node.graph.composite(name) {
      case .sequence(let elements):
        try node.graph.model.sequenceSizes.add(elements: elements.count)
        // Brackets, since exporters write names such as `x.1`.
        let names = elements.indices.map { "\(name)[\($0)]" }
        operands += zip(names, elements).map { (name: $0, id: $1) }
        composites[name] = .some(names)
      case .absent: composites[name] = .some(nil)
      case nil:
        guard let id = node.graph.value(name) else {
          throw node.malformed("has a graph inside that uses the value '\(shown(name))', which nothing makes")
        }
        operands.append((name, id))
      }
    }
  }

  /// Returns the import of `proto`, a subgraph of `node`, with the captured values as its last inputs.
  /// - Parameter inputs: inputs before those.
  func subgraph(
    _ proto: ONNXGraphProto, of node: NodeImport, name: String,
    inputs: [(name: String, type: ValueType?)] = []
  ) -> GraphImport {
    let graph = GraphImport(
      node.graph.model, proto, name: "\(node.graph.graph.name)/\(node.name)/\(name)",
      capturing: inputs + operands.map { ($0.name, node.graph.type(of: $0.id)) })
    graph.sequenceOutputs = .flattened
    graph.isRepeated = node.graph.isRepeated
    graph.capturedComposites = composites
    graph.declared = node.graph.declared.filter { composites[$0.key] != nil }
    return graph
  }
}
