import ModelGraph
import Tensors

extension OperatorImport {
  /// `https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html`: attention whose scores and probabilities graphs
  /// of the model change. A graph is imported as both branches of a conditional, whose condition is known.
  static func flexAttention(_ node: NodeImport) throws {
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    let precision = try softmaxPrecision(node) ?? wide
    let type: ElementType = precision == .float64 ? .float64 : wide
    let operands = try (0..<3).map { index in
      if let rank = node.rank(try node.operand(index)), rank != 4 {
        throw node.malformed("has an operand of \(rank) axes; it takes 4")
      }
      return node.converted(try node.operand(index), to: type, "wide\(index)")
    }
    var products = AttentionProducts(query: operands[0], key: operands[1], value: operands[2])
    products.scale = try node.float("scale")
    if node.has("score_mod") {
      products.changeScores = { try modified($0, by: "score_mod", as: precision, node) }
    }
    if node.has("prob_mod") {
      products.changeProbabilities = { try modified($0, by: "prob_mod", as: precision, node) }
    }
    try node.emit(result: 0, try products.lower(node).result, as: own)
  }

  /// Applies the graph in the attribute `name`, which takes and gives elements of `type`.
  private static func modified(
    _ x: ValueID, by name: String, as type: ElementType, _ node: NodeImport
  ) throws -> ValueID {
    var proto = try node.graphAttribute(name)
    guard proto.input.count == 1, proto.output.count == 1 else {
      throw node.malformed("has a \(name) of \(proto.input.count) inputs and \(proto.output.count) outputs")
    }
    let parameter = proto.input[0].name
    let captured = try capturedNames(proto).map { captured in
      guard let id = node.graph.value(captured) else {
        throw node.malformed("has a \(name) that uses the value '\(shown(captured))', which nothing makes")
      }
      return (name: captured, id: id)
    }
    let wide = node.elementType(x)
    let operand = node.converted(x, to: type, name + "Operand")
    proto.input = []
    let inputs = [(name: parameter, id: operand)] + captured
    let reading = GraphImport(
      node.graph.model, proto, name: "\(node.graph.graph.name)/\(node.name)/\(name)",
      capturing: inputs.map { ($0.name, node.graph.type(of: $0.id)) })
    reading.isRepeated = node.graph.isRepeated
    let graph = try reading.read()
    // Each is there twice, in both branches.
    guard !graph.nodes.contains(where: { !$0.op.bodies.isEmpty }) else {
      throw NodeImport.UnsupportedForm(reason: "whose \(name) has graphs inside")
    }
    let always = node.graph.constant(
      try Tensor([true], shape: .scalar), named: "\(node.name)/\(name)Condition")
    let result = node.intermediate(
      .conditional(then: graph, otherwise: graph), [always] + inputs.map(\.id), name)
    return wide.map { node.converted(result, to: $0, name + "Result") } ?? result
  }
}
