import Tensors

extension Padding: Packable {
  func pack(into writer: inout GraphWriter) {
    switch self {
    case .explicit(let amounts):
      writer.bytes.append(0)
      writer.write(amounts)
    case .sameUpper: writer.bytes.append(1)
    case .sameLower: writer.bytes.append(2)
    }
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .explicit(try reader.read())
    case 1: self = .sameUpper
    case 2: self = .sameLower
    default: throw reader.failure("a padding is of no known kind")
    }
  }
}

extension Convolution: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(strides, dilations)
    writer.write(padding)
    writer.write(groups)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      strides: try reader.read(), dilations: try reader.read(), padding: try reader.read(),
      groups: try reader.read())
  }
}

extension Deconvolution: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(window)
    writer.write(outputPadding)
    writer.write(outputShape)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(window: try reader.read(), outputPadding: try reader.read(), outputShape: try reader.read())
  }
}

extension MatrixMultiply: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(transposeA, transposeB)
    writer.write(alpha)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(transposeA: try reader.read(), transposeB: try reader.read(), alpha: try reader.read())
  }
}

extension Recurrent: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(hiddenSize)
    writer.write(direction)
    writer.write(batchFirst, linearBeforeReset)
    writer.write(clip)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      hiddenSize: try reader.read(), direction: try reader.read(), batchFirst: try reader.read(),
      linearBeforeReset: try reader.read(), clip: try reader.read())
  }
}

extension Pool: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(kind)
    writer.write(window)
    writer.write(strides, dilations)
    writer.write(padding)
    writer.write(ceilingMode)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      kind: try reader.read(), window: try reader.read(), strides: try reader.read(),
      dilations: try reader.read(), padding: try reader.read(), ceilingMode: try reader.read())
  }
}

extension LocalResponse: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(size)
    writer.write(alpha, beta, bias)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      size: try reader.read(), alpha: try reader.read(), beta: try reader.read(), bias: try reader.read())
  }
}

extension Resize: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(mode)
    writer.write(coordinates)
    writer.write(rounding)
    writer.write(cubicCoefficient)
    writer.write(excludeOutside)
    writer.write(extrapolationValue)
    writer.write(antialias)
    writer.write(axes)
    writer.write(aspectRatio)
  }
  init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      mode: try reader.read(), coordinates: try reader.read(), rounding: try reader.read(),
      cubicCoefficient: try reader.read(), excludeOutside: try reader.read(),
      extrapolationValue: try reader.read(), antialias: try reader.read(), axes: try reader.read(),
      aspectRatio: try reader.read())
  }
}

/// A function is written as its name and its parameters.
extension UnaryFunction: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(name)
    switch self {
    case .leakyRelu(let value), .elu(let value), .celu(let value), .thresholdedRelu(let value):
      writer.write(value)
    case .selu(let a, let b), .hardSigmoid(let a, let b), .clip(let a, let b): writer.write(a, b)
    case .gelu(let approximate): writer.write(approximate)
    default: break
    }
  }

  init(unpacking reader: inout GraphReader) throws(GraphError) {
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
      .hyperbolicCosine, .tanh, .sigmoid, .relu, .softplus, .softsign, .mish, .hardSwish, .silu, .logicalNot,
      .bitwiseNot, .isNaN, .isInfinite,
    ]
    return Dictionary(functions.map { ($0.name, $0) }) { first, _ in first }
  }()
}
