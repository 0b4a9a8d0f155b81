import ModelGraph
import Tensors

extension OperatorImport {
  /// Control flow.
  static let controlOperators: [String: OperatorImport] = [
    "If": OperatorImport(1...1, conditional),
    "Loop": OperatorImport(0...Int.max, takesComposites: true, loop),
    "Scan": OperatorImport(0...Int.max, since: 8) { node in
      if node.opset < 9 { try scanOfBatch(node) } else { try scan(node) }
    },
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
    let initial = try (0..<carried).map { index in
      let id =
        try node.composite(index + 2) != nil ? node.runTimeSequence(index + 2) : node.operand(index + 2)
      guard case .optionalType(let optional)? = proto.input[index + 2].type.value,
        optional.elemType.hasTensorType, node.graph.model.asksForPresence
      else { return id }
      return node.graph.optional(id)
    }
    let optionals = initial.enumerated().filter { node.type($0.element)?.contents?.isOptional ?? false }
      .map { proto.output[$0.offset + 1].name }
    // Sizes may change from round to round.
    let values = initial.map { id in
      node.type(id).map { type -> ValueType? in
        var type = type
        type.dimensions = type.dimensions.map { $0.map { _ in .unknown } }
        return type
      } ?? nil
    }
    let (body, captured) = try node.body(
      proto, [ValueType(.int64, Shape.scalar), ValueType(.bool, Shape.scalar)] + values,
      optionals: Set(optionals))
    try node.emit(.loop(body: body, carried: carried), limit + initial + captured)
  }

  private static func scan(_ node: NodeImport) throws {
    let (count, results, proto) = try node.scanSizes(operands: node.operands.count)
    func axes(_ name: String, _ count: Int) throws -> [Int] {
      try node.integers(name, in: -NodeImport.largest...NodeImport.largest, count: count)
        ?? [Int](repeating: 0, count: count)
    }
    let inputAxes = try axes("scan_input_axes", count)
    let outputAxes = try axes("scan_output_axes", results)
    let states = node.operands.count - count
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
        body: body, states: states,
        inputs: (inputAxes, try node.directions("scan_input_directions", count)),
        outputs: (outputAxes, try node.directions("scan_output_directions", results))),
      node.operands + captured)
  }

  /// Version 8: operands are the lengths of the sequences, then values with a batch axis in front of the sequence. A scan
  /// over the batch runs a scan of each sequence.
  private static func scanOfBatch(_ node: NodeImport) throws {
    guard node.optional(0) == nil else { throw NodeImport.UnsupportedForm(reason: "sequence_lens") }
    let operands = Array(node.operands.dropFirst())
    let (count, results, proto) = try node.scanSizes(operands: operands.count)
    let states = operands.count - count
    let (body, captured) = try node.body(proto, [])
    let zeros = { [Int](repeating: 0, count: $0) }
    let forwards = { [Bool](repeating: false, count: $0) }
    let sequence = Op.scan(
      body: body, states: states,
      inputs: (zeros(count), try node.directions("directions", count)),
      outputs: (zeros(results), forwards(results)))
    var batch = Graph(name: "\(node.graph.graph.name)/\(node.name)/sequence")
    batch.inputs = body.inputs.indices.map { batch.addValue("operand\($0)") }
    batch.outputs = body.outputs.indices.map { batch.addValue("result\($0)") }
    batch.nodes = [Node(name: "sequence", op: sequence, inputs: batch.inputs, outputs: batch.outputs)]
    try node.emit(
      .scan(
        body: batch, states: 0, inputs: (zeros(operands.count), forwards(operands.count)),
        outputs: (zeros(states + results), forwards(states + results))),
      operands + captured)
  }
}

extension NodeImport {
  /// The numbers of values that a scan walks and collects, and its body.
  fileprivate func scanSizes(operands: Int) throws -> (inputs: Int, outputs: Int, body: ONNXGraphProto) {
    let proto = try graphAttribute("body")
    guard let count = try integer("num_scan_inputs"), count > 0, count <= operands,
      operands == proto.input.count, proto.output.count >= proto.input.count - count
    else { throw malformed("has a body that does not fit its operands and num_scan_inputs") }
    return (count, proto.output.count - (proto.input.count - count), proto)
  }

  /// For each of `count` values: true if it is walked, or filled, from its end.
  fileprivate func directions(_ name: String, _ count: Int) throws -> [Bool] {
    try (integers(name, in: 0...1, count: count) ?? [Int](repeating: 0, count: count)).map { $0 == 1 }
  }

  /// The body of a loop, whose last inputs are the values that it captures.
  /// - Parameters:
  ///   - types: the types of its inputs, where the file does not give them.
  ///   - optionals: the outputs that are optional tensors.
  fileprivate func body(_ proto: ONNXGraphProto, _ types: [ValueType?], optionals: Set<String> = []) throws
    -> (graph: Graph, captured: [ValueID])
  {
    let captures = try Captures(of: [proto], in: self)
    let subgraph = captures.subgraph(proto, of: self, name: "body")
    subgraph.sequenceOutputs = .materialised
    subgraph.optionalOutputs = optionals
    subgraph.untypedInputs = types
    subgraph.isRepeated = true
    let body = try subgraph.read()
    guard body.inputs.count == proto.input.count + captures.operands.count else {
      throw UnsupportedForm(reason: "with a body that takes a map, or a constant as an input")
    }
    return (body, captures.operands.map(\.id))
  }
}
