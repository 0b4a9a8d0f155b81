import ModelGraph
import Tensors

extension OperatorImport {
  /// Control flow.
  static let controlOperators: [String: OperatorImport] = [
    "If": OperatorImport(1...1, conditional), "Loop": OperatorImport(0...Int.max, loop),
    "Scan": OperatorImport(1...Int.max, since: 9, scan),
  ]

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
    // Sizes may change from round to round.
    let values = node.operands.dropFirst(2).map { id in
      node.type(id).map { ValueType($0.elementType, $0.dimensions.map { $0.map { _ in .unknown } }) }
    }
    let (body, captured) = try node.body(
      proto, [ValueType(.int64, Shape.scalar), ValueType(.bool, Shape.scalar)] + values)
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
    let types = node.operands.enumerated().map { position, id -> ValueType? in
      guard var type = node.type(id), position >= states, var dimensions = type.dimensions else {
        return node.type(id)
      }
      let axis = inputAxes[position - states]
      let place = axis < 0 ? axis + dimensions.count : axis
      if dimensions.indices.contains(place) { dimensions.remove(at: place) }
      type.dimensions = dimensions
      return type
    }
    let (body, captured) = try node.body(proto, types)
    try node.emit(
      .scan(
        body: body, states: states, inputs: (inputAxes, try directions("scan_input_directions", count)),
        outputs: (outputAxes, try directions("scan_output_directions", results))),
      node.operands + captured)
  }
}

extension NodeImport {
  /// The body of a loop, whose last inputs are the values that it captures.
  /// - Parameter types: the types of its inputs, where the file does not give them.
  fileprivate func body(_ proto: ONNXGraphProto, _ types: [ValueType?]) throws -> (
    graph: Graph, captured: [ValueID]
  ) {
    let captures = try Captures(of: [proto], in: self)
    let subgraph = captures.subgraph(proto, of: self, name: "body")
    subgraph.sequenceOutputs = .refused
    subgraph.untypedInputs = types
    let body = try subgraph.read()
    guard body.inputs.count == proto.input.count + captures.operands.count else {
      throw UnsupportedForm(
        reason: "with a body that takes a sequence or an optional, or a constant as an input")
    }
    return (body, captures.operands.map(\.id))
  }
}
