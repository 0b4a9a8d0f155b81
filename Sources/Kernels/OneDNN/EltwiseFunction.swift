import CDNNL
import ModelGraph

/// One of oneDNN's element-wise functions with its parameters.
struct EltwiseFunction {
  var algorithm: dnnl_alg_kind_t
  var alpha: Float = 0
  var beta: Float = 0

  /// `function` as a chain of oneDNN's; `nil` when they cannot express it. Their logarithm is wrong by up to 0.7 % near 1, their
  /// softplus by more than the value itself below −14, and their mish makes 0 of what is below −17.
  static func chain(_ function: UnaryFunction) -> [EltwiseFunction]? {
    switch function {
    case .absolute: [EltwiseFunction(algorithm: dnnl_eltwise_abs)]
    case .negate: [linear(-1, 0)]
    case .exponential: [EltwiseFunction(algorithm: dnnl_eltwise_exp)]
    case .squareRoot: [EltwiseFunction(algorithm: dnnl_eltwise_sqrt)]
    case .reciprocal: [EltwiseFunction(algorithm: dnnl_eltwise_pow, alpha: 1, beta: -1)]
    case .tanh: [EltwiseFunction(algorithm: dnnl_eltwise_tanh)]
    case .sigmoid: [EltwiseFunction(algorithm: dnnl_eltwise_logistic)]
    case .relu: [EltwiseFunction(algorithm: dnnl_eltwise_relu)]
    // With a slope of 0 the library makes 0 of −∞, whose product with 0 is NaN.
    case .leakyRelu(let slope) where Float(slope) != 0:
      [EltwiseFunction(algorithm: dnnl_eltwise_relu, alpha: Float(slope))]
    case .elu(let alpha): [EltwiseFunction(algorithm: dnnl_eltwise_elu, alpha: Float(alpha))]
    case .celu(let alpha) where alpha == 1: [EltwiseFunction(algorithm: dnnl_eltwise_elu, alpha: 1)]
    case .selu(let alpha, let gamma):
      [EltwiseFunction(algorithm: dnnl_eltwise_elu, alpha: Float(alpha)), linear(Float(gamma), 0)]
    case .hardSigmoid(let alpha, let beta):
      [EltwiseFunction(algorithm: dnnl_eltwise_hardsigmoid, alpha: Float(alpha), beta: Float(beta))]
    case .hardSwish: [EltwiseFunction(algorithm: dnnl_eltwise_hardswish, alpha: 1 / 6, beta: 0.5)]
    case .silu: [EltwiseFunction(algorithm: dnnl_eltwise_swish, alpha: 1)]
    case .gelu(let approximate):
      [EltwiseFunction(algorithm: approximate ? dnnl_eltwise_gelu_tanh : dnnl_eltwise_gelu_erf)]
    case .clip(let minimum, let maximum) where minimum <= maximum: [clip(Float(minimum), Float(maximum))]
    default: nil
    }
  }

  /// `function` with a number as its second operand.
  static func chain(_ function: BinaryFunction, _ number: Float) -> [EltwiseFunction]? {
    switch function {
    case .add: [linear(1, number)]
    case .subtract: [linear(1, -number)]
    case .multiply: [linear(number, 0)]
    case .maximum where !number.isNaN: [clip(number, .infinity)]
    case .minimum where !number.isNaN: [clip(-.infinity, number)]
    // Its product with a slope that is not finite is not the one of negative numbers alone.
    case .parametricRelu where number.isFinite && number != 0:
      [EltwiseFunction(algorithm: dnnl_eltwise_relu, alpha: number)]
    case .power where number == 1: []
    case .power where number == 2: [EltwiseFunction(algorithm: dnnl_eltwise_square)]
    case .power where number == -1: [EltwiseFunction(algorithm: dnnl_eltwise_pow, alpha: 1, beta: -1)]
    default: nil
    }
  }

  /// True when the library's function of what is not a number is one, on some instruction set, or its function of
  /// infinity is none.
  var losesNaN: Bool {
    switch algorithm {
    case dnnl_eltwise_relu: alpha == 0
    case dnnl_eltwise_clip, dnnl_eltwise_exp, dnnl_eltwise_hardsigmoid, dnnl_eltwise_gelu_erf: true
    default: false
    }
  }

  /// True when the library's plain loops make a number of NaN, and its compiled code does not.
  var losesNaNInPlainLoops: Bool { algorithm == dnnl_eltwise_logistic }

  static func linear(_ factor: Float, _ offset: Float) -> EltwiseFunction {
    EltwiseFunction(algorithm: dnnl_eltwise_linear, alpha: factor, beta: offset)
  }

  /// The form without an upper bound is a relu where it can be: every implementation has that one.
  private static func clip(_ minimum: Float, _ maximum: Float) -> EltwiseFunction {
    minimum == 0 && maximum == .infinity
      ? EltwiseFunction(algorithm: dnnl_eltwise_relu)
      : EltwiseFunction(algorithm: dnnl_eltwise_clip, alpha: minimum, beta: maximum)
  }
}

extension BinaryFunction {
  /// oneDNN's algorithm for two float operands with a float result. Its largest and smallest lose what is not a number.
  var algorithm: dnnl_alg_kind_t? {
    switch self {
    case .add: dnnl_binary_add
    case .subtract: dnnl_binary_sub
    case .multiply: dnnl_binary_mul
    case .divide: dnnl_binary_div
    default: nil
    }
  }
}
