import ModelGraph

extension OperatorImport {
  /// The body's nodes, once for each element.
  static func sequenceMap(_ node: NodeImport) throws {
    let proto = try node.graphAttribute("body")
    guard proto.input.count == node.proto.input.count, proto.output.count == node.proto.output.count else {
      throw node.malformed(
        "has \(node.proto.input.count) operands and \(node.proto.output.count) results, but its body has "
          + "\(proto.input.count) and \(proto.output.count)")
    }
    guard let count = node.sequence(0)?.count, !node.operands.contains(where: node.isSequence) else {
      return try mappedByLoop(proto, node)
    }
    let operands = try node.proto.input.indices.map { index -> [ValueID] in
      guard case .sequence(let elements)? = node.composite(index) else {
        let id = try node.operand(index)
        return Array(repeating: id, count: count)
      }
      guard elements.count == count else {
        throw node.malformed("has sequences of \(count) and of \(elements.count) elements")
      }
      return elements
    }
    var body = MappedBody(proto, node, try Captures(of: [proto], in: node))
    var results = [[ValueID]](repeating: [], count: proto.output.count)
    for index in 0..<count {
      let made = try body.results(of: operands.map { $0[index] }, prefix: "\(node.name)/\(index)")
      guard made.count == results.count else {
        throw NodeImport.UnsupportedForm(reason: "with a body that gives a sequence")
      }
      for (result, id) in made.enumerated() { results[result].append(id) }
    }
    for (index, elements) in results.enumerated() where !node.proto.output[index].isEmpty {
      try node.emit(result: index, sequence: elements)
    }
  }
}

/// The body of a `SequenceMap`. It is read once for each combination of types, since the reading of operators depends
/// on those.
private struct MappedBody {
  private let proto: ONNXGraphProto
  private let inputs: [String]
  private let node: NodeImport
  private let captures: Captures
  private var readings: [[ValueType?]: (graph: Graph, constants: [ValueID: ValueID])] = [:]

  init(_ proto: ONNXGraphProto, _ node: NodeImport, _ captures: Captures) {
    inputs = proto.input.map(\.name)
    self.proto = proto
    self.node = node
    self.captures = captures
  }

  /// Adds the body's nodes for some elements; returns its results.
  mutating func results(of elements: [ValueID], prefix: String) throws -> [ValueID] {
    let types = elements.map(node.graph.type(of:))
    var reading = try readings[types] ?? (read(types), [:])
    try node.graph.model.sequenceSizes.add(
      nodes: reading.graph.nodes.count + reading.graph.constants.count + 1)
    defer { readings[types] = reading }
    return node.graph.splice(
      reading.graph, arguments: elements + captures.operands.map(\.id), prefix: prefix,
      constants: &reading.constants)
  }

  private func read(_ types: [ValueType?]) throws -> Graph {
    try node.graph.model.sequenceSizes.add(nodes: proto.node.count + proto.initializer.count + 1)
    var body = proto
    // The elements' own types say more than the declared ones.
    body.input = []
    let given = zip(inputs, types).map { (name: $0, type: $1) }
    let graph = captures.subgraph(body, of: node, name: "body", inputs: given)
    graph.isRepeated = true
    return try graph.read()
  }
}
