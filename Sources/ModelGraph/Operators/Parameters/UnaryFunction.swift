/// A function of one element.
public enum UnaryFunction: Sendable, Hashable, Codable {
  case absolute, negate, exponential, logarithm, squareRoot, reciprocal, floor, ceiling, round, sign
  case errorFunction, sine, cosine, tangent, arcSine, arcCosine, arcTangent, hyperbolicSine, hyperbolicCosine
  case inverseHyperbolicSine, inverseHyperbolicCosine, inverseHyperbolicTangent
  case tanh, sigmoid, relu, softplus, softsign, mish
  case leakyRelu(slope: Double), elu(alpha: Double), celu(alpha: Double), selu(alpha: Double, gamma: Double)
  case thresholdedRelu(alpha: Double)
  /// x + bias where x < −threshold, x − bias where x > threshold, else 0.
  case shrink(threshold: Double, bias: Double)
  /// max(0, min(1, alpha·x + beta)).
  case hardSigmoid(alpha: Double, beta: Double)
  /// x · max(0, min(1, x/6 + 1/2)).
  case hardSwish
  /// x · sigmoid(x).
  case silu
  /// `approximate` is the tanh form.
  case gelu(approximate: Bool)
  /// Bounds are finite, or infinite where ONNX leaves one out.
  case clip(minimum: Double, maximum: Double)
  case logicalNot, bitwiseNot, isNaN, isInfinite
}

extension UnaryFunction {
  /// The function's name without its parameters.
  public var name: String {
    switch self {
    case .absolute: "absolute"
    case .negate: "negate"
    case .exponential: "exponential"
    case .logarithm: "logarithm"
    case .squareRoot: "squareRoot"
    case .reciprocal: "reciprocal"
    case .floor: "floor"
    case .ceiling: "ceiling"
    case .round: "round"
    case .sign: "sign"
    case .errorFunction: "errorFunction"
    case .sine: "sine"
    case .cosine: "cosine"
    case .tangent: "tangent"
    case .arcSine: "arcSine"
    case .arcCosine: "arcCosine"
    case .arcTangent: "arcTangent"
    case .hyperbolicSine: "hyperbolicSine"
    case .hyperbolicCosine: "hyperbolicCosine"
    case .inverseHyperbolicSine: "inverseHyperbolicSine"
    case .inverseHyperbolicCosine: "inverseHyperbolicCosine"
    case .inverseHyperbolicTangent: "inverseHyperbolicTangent"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .relu: "relu"
    case .softplus: "softplus"
    case .softsign: "softsign"
    case .mish: "mish"
    case .leakyRelu: "leakyRelu"
    case .elu: "elu"
    case .celu: "celu"
    case .selu: "selu"
    case .thresholdedRelu: "thresholdedRelu"
    case .shrink: "shrink"
    case .hardSigmoid: "hardSigmoid"
    case .hardSwish: "hardSwish"
    case .silu: "silu"
    case .gelu: "gelu"
    case .clip: "clip"
    case .logicalNot: "logicalNot"
    case .bitwiseNot: "bitwiseNot"
    case .isNaN: "isNaN"
    case .isInfinite: "isInfinite"
    }
  }
}

extension UnaryFunction {
  /// The function's parameters, as `0.01` or `0…6`.
  var printedParameters: String? {
    switch self {
    case .leakyRelu(let value), .elu(let value), .celu(let value), .thresholdedRelu(let value): "\(value)"
    case .selu(let alpha, let gamma): "\(alpha), \(gamma)"
    case .hardSigmoid(let alpha, let beta): "\(alpha), \(beta)"
    case .shrink(let threshold, let bias): "\(threshold), \(bias)"
    case .gelu(let approximate): approximate ? "tanh" : nil
    case .clip(let minimum, let maximum): "\(minimum)…\(maximum)"
    default: nil
    }
  }

  /// True when the result jumps where the operand changes a little.
  var isStep: Bool {
    switch self {
    case .floor, .ceiling, .round, .sign, .logicalNot, .bitwiseNot, .isNaN, .isInfinite: true
    default: false
    }
  }
}
