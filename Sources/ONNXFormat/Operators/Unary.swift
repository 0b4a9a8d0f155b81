import ModelGraph
import Tensors

extension OperatorImport {
  /// Functions of one element.
  static let unaryOperators: [String: OperatorImport] = [
    "Abs": unary(.absolute), "Neg": unary(.negate), "Exp": unary(.exponential), "Log": unary(.logarithm),
    "Sqrt": unary(.squareRoot), "Reciprocal": unary(.reciprocal), "Floor": unary(.floor),
    "Ceil": unary(.ceiling), "Round": unary(.round, since: 11), "Sign": unary(.sign, since: 9),
    "Erf": unary(.errorFunction, since: 9), "Sin": unary(.sine, since: 7), "Cos": unary(.cosine, since: 7),
    "Tan": unary(.tangent, since: 7), "Asin": unary(.arcSine, since: 7),
    "Acos": unary(.arcCosine, since: 7), "Atan": unary(.arcTangent, since: 7),
    "Sinh": unary(.hyperbolicSine, since: 9), "Cosh": unary(.hyperbolicCosine, since: 9),
    "Asinh": unary(.inverseHyperbolicSine, since: 9), "Acosh": unary(.inverseHyperbolicCosine, since: 9),
    "Atanh": unary(.inverseHyperbolicTangent, since: 9),
    "Tanh": unary(.tanh), "Sigmoid": unary(.sigmoid), "Relu": unary(.relu), "Softplus": unary(.softplus),
    "Softsign": unary(.softsign), "Mish": unary(.mish, since: 18), "HardSwish": unary(.hardSwish, since: 14),
    "Not": unary(.logicalNot), "BitwiseNot": unary(.bitwiseNot, since: 18), "IsNaN": unary(.isNaN, since: 9),
    "LeakyRelu": unary { .leakyRelu(slope: try $0.float("alpha", default: 0.01)) },
    "Elu": unary { .elu(alpha: try $0.float("alpha", default: 1)) },
    "Celu": unary(since: 12) { .celu(alpha: try $0.float("alpha", default: 1)) },
    "Selu": unary {
      .selu(
        alpha: try $0.float("alpha", default: $0.opset < 6 ? 1.6732 : 1.673_263_192_176_818_847_66),
        gamma: try $0.float("gamma", default: $0.opset < 6 ? 1.0507 : 1.050_701_022_148_132_324_22))
    },
    "ThresholdedRelu": unary(since: 10) { .thresholdedRelu(alpha: try $0.float("alpha", default: 1)) },
    "Shrink": unary(since: 9) {
      .shrink(
        threshold: try $0.float("lambd", default: 0.5), bias: try $0.float("bias", default: 0))
    },
    "HardSigmoid": unary {
      .hardSigmoid(alpha: try $0.float("alpha", default: 0.2), beta: try $0.float("beta", default: 0.5))
    },
    "Gelu": unary(since: 20) {
      .gelu(approximate: try $0.choice("approximate", default: "none", ["none": false, "tanh": true]))
    },
    "IsInf": OperatorImport(1...1, since: 10) { node in
      let x = try node.operand(0)
      let (negative, positive) = (
        try node.flag("detect_negative", default: true), try node.flag("detect_positive", default: true)
      )
      if negative, positive { return try node.emit(.unary(.isInfinite), [x]) }
      let infinity = try node.constant(negative ? -Double.infinity : .infinity, like: x, "infinity")
      // Without either sign: nothing is larger than infinity.
      try node.emit(.binary(negative || positive ? .equal : .greater), [x, infinity])
    },
    "Swish": OperatorImport(1...1, since: 24) { node in
      let swish = try node.swish(try node.operand(0), alpha: try node.float("alpha", default: 1))
      try node.emit(.identity, [swish])
    },
    "Clip": OperatorImport(1...3, clip),
    "Identity": OperatorImport(1...1, takesComposites: true) { try $0.emit(sameAs: 0) },
    "Dropout": OperatorImport(1...3, dropout),
  ]

  static func unary(_ function: UnaryFunction, since: Int = 1) -> OperatorImport {
    unary(since: since) { _ in function }
  }

  static func unary(since: Int = 1, _ function: @escaping @Sendable (NodeImport) throws -> UnaryFunction)
    -> OperatorImport
  {
    OperatorImport(1...1, since: since) { node in try node.emit(.unary(try function(node)), node.operands) }
  }

  /// Bounds are attributes before opset 11. Bounds that are no constants are a maximum and a minimum.
  /// A bound that is left out is the last number of the type, and one that is not a number bounds nothing.
  private static func clip(_ node: NodeImport) throws {
    let x = try node.operand(0)
    if node.opset < 11 {
      guard node.operands.count == 1 else { throw node.malformed("has bounds as operands before opset 11") }
      return try node.emit(
        .unary(
          .clip(
            minimum: try node.float("min") ?? -node.largestNumber(of: x),
            maximum: try node.float("max") ?? node.largestNumber(of: x))), [x])
    }
    let bounds = [node.optional(1), node.optional(2)]
    let numbers = bounds.map { $0.flatMap(node.scalar) }
    if zip(bounds, numbers).allSatisfy({ $0 == nil || $1 != nil }) {
      let (minimum, maximum) = (
        numbers[0] ?? -node.largestNumber(of: x), numbers[1] ?? node.largestNumber(of: x)
      )
      return try node.emit(.unary(.clip(minimum: minimum, maximum: maximum)), [x])
    }
    switch (try node.bound(0, bounds[0], of: x), try node.bound(1, bounds[1], of: x)) {
    case (let minimum?, let maximum?):
      let raised = node.intermediate(.binary(.maximum), [x, minimum], "raised")
      try node.emit(.binary(.minimum), [raised, maximum])
    case (let minimum?, nil): try node.emit(.binary(.maximum), [x, minimum])
    case (nil, let maximum): try node.emit(.binary(.minimum), [x, maximum])
    }
  }

  /// Outside of training mode: the identity, and a mask that lets everything through.
  private static func dropout(_ node: NodeImport) throws {
    if node.opset < 12 { try node.checkOperands(1...1) }
    if let training = node.optional(2), node.tensor(training)?.integers != [0] {
      return try trainingDropout(node)
    }
    node.ignore("seed")
    if node.opset < 12 { _ = try node.float("ratio") }
    if node.opset < 7, try !node.flag("is_test") {
      throw NodeImport.UnsupportedForm(reason: "training mode (is_test = 0)")
    }
    let x = try node.operand(0)
    let outputs = node.proto.output
    guard outputs.count == 2, !outputs[1].isEmpty else { return try node.emit(.identity, [x]) }
    // Before opset 10 the mask is of the operand's type.
    let value = node.opset < 10 ? try node.tensor(1, like: x) : try Tensor([true], shape: .scalar)
    let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
    try node.emit(result: 1, .constantOfShape(value: value), [shape])
    if outputs[0].isEmpty { return }
    try node.emit(result: 0, .identity, [x])
  }
}

extension NodeImport {
  /// The largest finite number of a value's type, which bounds the value where a model leaves a bound out; infinite for
  /// integers, which no bound of theirs limits.
  fileprivate func largestNumber(of id: ValueID) -> Double {
    switch elementType(id) {
    case .float32: Double(Float.greatestFiniteMagnitude)
    case .float64: .greatestFiniteMagnitude
    case .float16: 65504
    case .bfloat16: Double(Float(sign: .plus, exponent: 127, significand: 1.9921875))
    default: .infinity
    }
  }

  /// A bound that is computed, made infinite where it is not a number.
  fileprivate func bound(_ side: Int, _ bound: ValueID?, of x: ValueID) throws -> ValueID? {
    guard let bound, let type = elementType(x), type.isFloatingPoint else { return bound }
    let name = side == 0 ? "minimum" : "maximum"
    let open = try constant(side == 0 ? -Double.infinity : .infinity, like: x, name + "Open")
    let isNone = intermediate(.unary(.isNaN), [bound], name + "IsNone")
    return intermediate(.select, [isNone, open, bound], name)
  }
}
