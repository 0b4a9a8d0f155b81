/// One attribute of an op as text.
struct PrintedAttribute {
  var name: String
  var value: String

  init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  init(_ name: String, _ value: some CustomStringConvertible) { self.init(name, value.description) }

  /// Sizes along axes: `3x3`.
  init(_ name: String, _ sizes: [Int]) { self.init(name, sizes.map(String.init).joined(separator: "x")) }
}

extension Op {
  /// The op's attributes as shown to a reader; defaults are left out.
  var printedAttributes: [PrintedAttribute] {
    switch self {
    case .unary(let function): function.printedParameters.map { [PrintedAttribute("parameters", $0)] } ?? []
    case .cast(let target): [PrintedAttribute("to", target.shortName)]
    case .convolution(let convolution): convolution.printedAttributes
    case .deconvolution(let deconvolution):
      deconvolution.window.printedAttributes
        + (deconvolution.outputPadding.contains { $0 != 0 }
          ? [PrintedAttribute("outputpadding", deconvolution.outputPadding)] : [])
        + (deconvolution.outputShape.map { [PrintedAttribute("outputshape", $0)] } ?? [])
    case .matrixMultiply(let multiply):
      (multiply.transposeA ? [PrintedAttribute("transpose", "a")] : [])
        + (multiply.transposeB ? [PrintedAttribute("transpose", "b")] : [])
        + (multiply.alpha == 1 ? [] : [PrintedAttribute("alpha", multiply.alpha)])
    case .lstm(let recurrent), .gru(let recurrent):
      [
        PrintedAttribute("hidden", recurrent.hiddenSize),
        PrintedAttribute("direction", recurrent.direction.rawValue),
      ] + (recurrent.batchFirst ? [PrintedAttribute("layout", "batch first")] : [])
    case .pool(let pool): pool.printedAttributes
    case .batchNormalization(let epsilon), .instanceNormalization(let epsilon):
      [PrintedAttribute("epsilon", epsilon)]
    case .layerNormalization(let axis, let epsilon):
      [PrintedAttribute("axis", axis), PrintedAttribute("epsilon", epsilon)]
    case .groupNormalization(let groups, let epsilon):
      [PrintedAttribute("groups", groups), PrintedAttribute("epsilon", epsilon)]
    case .localResponseNormalization(let response): [PrintedAttribute("size", response.size)]
    case .softmax(let axis), .logSoftmax(let axis), .concat(let axis), .split(let axis), .gather(let axis),
      .gatherElements(let axis), .flatten(let axis), .oneHot(let axis), .argumentOf(_, let axis, _, _),
      .topK(let axis, _, _), .scatterElements(let axis, _):
      [PrintedAttribute("axis", axis)]
    case .reduce(_, let keep, _): [PrintedAttribute("keep", keep)]
    case .resize(let resize):
      [PrintedAttribute("mode", resize.mode.rawValue), PrintedAttribute("at", resize.coordinates.rawValue)]
    case .transpose(let permutation): [PrintedAttribute("by", "\(permutation)")]
    case .pad(let mode): [PrintedAttribute("mode", mode.rawValue)]
    case .depthToSpace(let block, _), .spaceToDepth(let block): [PrintedAttribute("block", block)]
    case .triangular(let upper): [PrintedAttribute("part", upper ? "upper" : "lower")]
    case .constantOfShape(let value): [PrintedAttribute("value", value.printedElements ?? "\(value)")]
    case .conditional(let then, let otherwise):
      [PrintedAttribute("then", "'\(then.name)'"), PrintedAttribute("else", "'\(otherwise.name)'")]
    default: []
    }
  }
}

extension Convolution {
  fileprivate var printedAttributes: [PrintedAttribute] {
    (strides.contains { $0 != 1 } ? [PrintedAttribute("strides", strides)] : [])
      + (dilations.contains { $0 != 1 } ? [PrintedAttribute("dilations", dilations)] : [])
      + padding.printedAttributes + (groups == 1 ? [] : [PrintedAttribute("groups", groups)])
  }
}

extension Pool {
  fileprivate var printedAttributes: [PrintedAttribute] {
    guard let window else { return [PrintedAttribute("window", "whole image")] }
    let geometry = Convolution(strides: strides, dilations: dilations, padding: padding, groups: 1)
    return [PrintedAttribute("window", window)] + geometry.printedAttributes
      + (ceilingMode ? [PrintedAttribute("rounding", "up")] : [])
  }
}

extension Padding {
  fileprivate var printedAttributes: [PrintedAttribute] {
    switch self {
    case .explicit(let amounts): amounts.contains { $0 != 0 } ? [PrintedAttribute("padding", amounts)] : []
    case .sameUpper: [PrintedAttribute("padding", "same, upper")]
    case .sameLower: [PrintedAttribute("padding", "same, lower")]
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
    case .gelu(let approximate): approximate ? "tanh" : nil
    case .clip(let minimum, let maximum): "\(minimum)…\(maximum)"
    default: nil
    }
  }
}
