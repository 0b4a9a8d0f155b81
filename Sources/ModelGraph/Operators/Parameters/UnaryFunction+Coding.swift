/// A function is written as its name and its parameters.
extension UnaryFunction: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(name)
    switch self {
    case .leakyRelu(let value), .elu(let value), .celu(let value), .thresholdedRelu(let value):
      writer.write(value)
    case .selu(let a, let b), .hardSigmoid(let a, let b), .clip(let a, let b), .shrink(let a, let b):
      writer.write(a, b)
    case .gelu(let approximate): writer.write(approximate)
    default: break
    }
  }

  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let name = try reader.text()
    if let plain = Self.plain[name] {
      self = plain
      return
    }
    switch name {
    case "leakyRelu": self = .leakyRelu(slope: try reader.read())
    case "elu": self = .elu(alpha: try reader.read())
    case "celu": self = .celu(alpha: try reader.read())
    case "selu": self = .selu(alpha: try reader.read(), gamma: try reader.read())
    case "thresholdedRelu": self = .thresholdedRelu(alpha: try reader.read())
    case "hardSigmoid": self = .hardSigmoid(alpha: try reader.read(), beta: try reader.read())
    case "shrink": self = .shrink(threshold: try reader.read(), bias: try reader.read())
    case "gelu": self = .gelu(approximate: try reader.read())
    case "clip": self = .clip(minimum: try reader.read(), maximum: try reader.read())
    default: throw reader.failure("'\(name)' is no function of one element")
    }
  }

  /// The functions without parameters, by name.
  private static let plain: [String: UnaryFunction] = {
    let functions: [UnaryFunction] = [
      .absolute, .negate, .exponential, .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign,
      .errorFunction, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicSine,
      .hyperbolicCosine, .inverseHyperbolicSine, .inverseHyperbolicCosine, .inverseHyperbolicTangent, .tanh,
      .sigmoid, .relu, .softplus, .softsign, .mish, .hardSwish, .silu, .logicalNot,
      .bitwiseNot, .isNaN, .isInfinite,
    ]
    return Dictionary(functions.map { ($0.name, $0) }) { first, _ in first }
  }()
}
