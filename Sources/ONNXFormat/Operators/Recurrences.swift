import ModelGraph

extension OperatorImport {
  /// Recurrent networks.
  static let recurrentOperators: [String: OperatorImport] = [
    "RNN": OperatorImport(3...6) { node in
      try node.emit(.rnn(try recurrent(node, activations: RNN.defaultActivations)), node.operands)
    },
    "LSTM": OperatorImport(3...8) { node in
      try node.emit(.lstm(try longShortTermMemory(node)), node.operands)
    },
    "GRU": OperatorImport(3...6) { node in
      var op = try recurrent(node, activations: GRU.defaultActivations)
      op.linearBeforeReset = try node.flag("linear_before_reset")
      try node.emit(.gru(op), node.operands)
    },
  ]

  /// The parameters of an LSTM.
  static func longShortTermMemory(_ node: NodeImport, hidden: Int? = nil) throws -> Recurrent {
    var op = try recurrent(node, activations: LSTM.defaultActivations, hidden: hidden)
    op.couplesForgetGate = try node.flag("input_forget")
    return op
  }

  /// - Parameters:
  ///   - defaults: the default activations of one direction.
  ///   - given: the hidden size that the operands have, where the shape of the recurrent weights does not show it.
  private static func recurrent(
    _ node: NodeImport, activations defaults: [RecurrentActivation], hidden given: Int? = nil
  ) throws -> Recurrent {
    // The node lists the results that are wanted.
    if node.opset < 7 { node.ignore("output_sequence") }
    let direction = try node.choice(
      "direction", default: "forward",
      ["forward": Recurrent.Direction.forward, "reverse": .reverse, "bidirectional": .bidirectional])
    let clip = try node.float("clip")
    // r is [directions, gates · hidden, hidden].
    let hidden = try given ?? node.tensor(node.operand(2))?.shape[axis: 2]
    var op = Recurrent(
      hiddenSize: try node.integer("hidden_size", in: 1...NodeImport.largest, default: hidden),
      direction: direction, batchFirst: try node.flag("layout"), clip: clip == 0 ? nil : clip)
    let standard = (0..<op.directions).flatMap { _ in defaults }
    let activations = try node.activations()
    guard activations.isEmpty || activations.count == standard.count else {
      throw node.malformed("has \(activations.count) activations, where \(standard.count) are expected")
    }
    if activations != standard { op.activations = activations }
    return op
  }
}

extension NodeImport {
  /// The activations that a node lists. The functions that have parameters consume these in the order of the list, as in onnxruntime.
  fileprivate func activations() throws -> [RecurrentActivation] {
    var alphas = try floats("activation_alpha")?[...] ?? []
    var betas = try floats("activation_beta")?[...] ?? []
    return try (texts("activations") ?? []).map { name in
      guard let kind = Self.activationKinds[name.lowercased()] else {
        throw UnsupportedForm(reason: "activation '\(shown(name))'")
      }
      let parameters = kind.parameters
      let alpha = parameters.alpha.map { alphas.popFirst() ?? $0 }
      let beta = parameters.beta.map { betas.popFirst() ?? $0 }
      return RecurrentActivation(kind, alpha: Double(alpha ?? 0), beta: Double(beta ?? 0))
    }
  }

  /// Names of functions without regard to case, as models have them in several spellings.
  private static let activationKinds = Dictionary(
    uniqueKeysWithValues: RecurrentActivation.Kind.allCases.map { ($0.rawValue.lowercased(), $0) })
}
