import ModelGraph

extension OperatorImport {
  /// Recurrent networks with the default activations.
  static let recurrentOperators: [String: OperatorImport] = [
    "LSTM": OperatorImport(3...8) { node in
      guard try !node.flag("input_forget") else {
        throw NodeImport.UnsupportedForm(reason: "input_forget = 1")
      }
      try node.emit(.lstm(try recurrent(node, activations: ["Sigmoid", "Tanh", "Tanh"])), node.operands)
    },
    "GRU": OperatorImport(3...6) { node in
      var op = try recurrent(node, activations: ["Sigmoid", "Tanh"])
      op.linearBeforeReset = try node.flag("linear_before_reset")
      try node.emit(.gru(op), node.operands)
    },
  ]

  /// - Parameter hidden: the hidden size that the operands have, where the shape of the recurrent weights does not show it.
  static func recurrent(_ node: NodeImport, activations: [String], hidden given: Int? = nil) throws
    -> Recurrent
  {
    // The default activations have no parameters.
    node.ignore("activation_alpha", "activation_beta")
    // The node lists the results that are wanted.
    if node.opset < 7 { node.ignore("output_sequence") }
    let direction = try node.choice(
      "direction", default: "forward",
      ["forward": Recurrent.Direction.forward, "reverse": .reverse, "bidirectional": .bidirectional])
    let expected = direction == .bidirectional ? activations + activations : activations
    if let given = try node.texts("activations"),
      given.map({ $0.lowercased() }) != expected.map({ $0.lowercased() })
    {
      let list = given.prefix(6).map(shown).joined(separator: ", ")
      throw NodeImport.UnsupportedForm(reason: "activations \(list)")
    }
    let clip = try node.float("clip")
    // r is [directions, gates · hidden, hidden].
    let hidden = try given ?? node.tensor(node.operand(2))?.shape[axis: 2]
    return Recurrent(
      hiddenSize: try node.integer("hidden_size", in: 1...NodeImport.largest, default: hidden),
      direction: direction, batchFirst: try node.flag("layout"), clip: clip == 0 ? nil : clip)
  }
}
