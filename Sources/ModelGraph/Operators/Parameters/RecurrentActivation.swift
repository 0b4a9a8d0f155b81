/// An activation function of `RNN`, `LSTM` and `GRU`. A parameter that the function lacks is zero.
package struct RecurrentActivation: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable, CaseIterable, Packable {
    case relu, tanh, sigmoid, affine, leakyRelu, thresholdedRelu, scaledTanh, hardSigmoid, elu, softsign
    case softplus
  }
  package var kind: Kind
  package var alpha: Double
  package var beta: Double

  package init(_ kind: Kind, alpha: Double = 0, beta: Double = 0) {
    self.kind = kind
    self.alpha = alpha
    self.beta = beta
  }
}

extension RecurrentActivation.Kind {
  /// The parameters of the function, with their default values.
  ///
  /// They are those of the ONNX operators of the same names. `ScaledTanh` has no defaults there; here it scales by one.
  package var parameters: (alpha: Float?, beta: Float?) {
    switch self {
    case .affine: (1, 0)
    case .scaledTanh: (1, 1)
    case .hardSigmoid: (0.2, 0.5)
    case .leakyRelu: (0.01, nil)
    case .thresholdedRelu, .elu: (1, nil)
    case .relu, .tanh, .sigmoid, .softsign, .softplus: (nil, nil)
    }
  }
}

extension RecurrentActivation: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(kind, alpha, beta) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(try reader.read(), alpha: try reader.read(), beta: try reader.read())
  }
}

extension RecurrentActivation: CustomStringConvertible {
  package var description: String {
    switch kind.parameters {
    case (nil, _): kind.rawValue
    case (_, nil): "\(kind.rawValue)(\(alpha))"
    default: "\(kind.rawValue)(\(alpha), \(beta))"
    }
  }
}
