import ModelGraph

extension OperatorImport {
  /// Control flow.
  static let controlOperators: [String: OperatorImport] = [
    "If": OperatorImport(1...1, conditional), "Loop": OperatorImport(0...Int.max, loop),
    "Scan": OperatorImport(1...Int.max, since: 9, scan),
  ]

  /// Branches are closed: what either of them captures becomes an input of both, constants too.
  private static func conditional(_ node: NodeImport) throws {
    let protos = [try node.graphAttribute("then_branch"), try node.graphAttribute("else_branch")]
    let captured = try node.captures(of: protos)
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

extension OperatorImport {
  private static func loop(_ node: NodeImport) throws {
    let proto = try node.graphAttribute("body")
    guard proto.input.count >= 2, proto.input.count >= node.operands.count,
      proto.output.count >= proto.input.count - 1
    else {
      throw node.malformed(
        "has a body of \(proto.input.count) inputs and \(proto.output.count) outputs for \(node.operands.count) operands"
      )
    }
    let carried = proto.input.count - 2
    guard node.operands.count == proto.input.count || carried == 0 else {
      throw node.malformed("has \(node.operands.count) operands, but its body carries \(carried) values")
    }
    let limit = [node.optional(0), node.optional(1)]
    let (body, captured) = try node.body(proto)
    try node.emit(.loop(body: body, carried: carried), limit + node.operands.dropFirst(2) + captured)
  }

  private static func scan(_ node: NodeImport) throws {
    let proto = try node.graphAttribute("body")
    guard let count = try node.integer("num_scan_inputs"), count > 0, count <= node.operands.count,
      node.operands.count == proto.input.count, proto.output.count >= proto.input.count - count
    else { throw node.malformed("has a body that does not fit its operands and num_scan_inputs") }
    let states = proto.input.count - count
    let results = proto.output.count - states
    func axes(_ name: String, _ count: Int) throws -> [Int] {
      try node.integers(name, in: -NodeImport.largest...NodeImport.largest, count: count)
        ?? [Int](repeating: 0, count: count)
    }
    func directions(_ name: String, _ count: Int) throws -> [Bool] {
      try (node.integers(name, in: 0...1, count: count) ?? [Int](repeating: 0, count: count)).map { $0 == 1 }
    }
    let inputAxes = try axes("scan_input_axes", count)
    let outputAxes = try axes("scan_output_axes", results)
    let (body, captured) = try node.body(proto)
    try node.emit(
      .scan(
        body: body, states: states, inputs: (inputAxes, try directions("scan_input_directions", count)),
        outputs: (outputAxes, try directions("scan_output_directions", results))),
      node.operands + captured)
  }
}

extension NodeImport {
  /// The values that graphs inside the node use and do not make.
  fileprivate func captures(of graphs: [ONNXGraphProto]) throws -> [(name: String, id: ValueID)] {
    var seen: Set<String> = []
    return try graphs.flatMap(capturedNames).filter { seen.insert($0).inserted }.map { name in
      guard let id = graph.value(name) else {
        throw malformed("has a graph inside that uses the value '\(shown(name))', which nothing makes")
      }
      return (name, id)
    }
  }

  /// The body of a loop, whose last inputs are the values that it captures.
  fileprivate func body(_ proto: ONNXGraphProto) throws -> (graph: Graph, captured: [ValueID]) {
    let captured = try captures(of: [proto])
    let body = try GraphImport(
      graph.model, proto, name: "\(graph.graph.name)/\(name)/body",
      capturing: captured.map { ($0.name, graph.type(of: $0.id)) }
    ).read()
    guard body.inputs.count == proto.input.count + captured.count else {
      throw malformed("has a body whose input is a constant")
    }
    return (body, captured.map(\.id))
  }
}
