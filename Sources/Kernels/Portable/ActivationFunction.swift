import ModelGraph

/// An activation of a recurrent layer, for one element at a time; the formulas are those of
/// `https://onnx.ai/onnx/operators/onnx__RNN.html`.
struct ActivationFunction<Element: Real> {
  private let kind: RecurrentActivation.Kind
  private let alpha, beta: Element

  init(_ activation: RecurrentActivation) {
    kind = activation.kind
    alpha = Element(activation.alpha)
    beta = Element(activation.beta)
  }

  @inline(__always) func callAsFunction(_ x: Element) -> Element {
    switch kind {
    case .sigmoid: RealFunction.sigmoid(x)
    case .tanh: Element.hyperbolicTangent(x)
    case .relu: x < 0 ? 0 : x
    case .affine: alpha * x + beta
    case .leakyRelu: x < 0 ? alpha * x : x
    case .thresholdedRelu: x < alpha ? 0 : x
    case .scaledTanh: alpha * Element.hyperbolicTangent(beta * x)
    case .hardSigmoid: Element.larger(0, Element.smaller(1, alpha * x + beta))
    case .elu: x < 0 ? alpha * Element.exponentialMinusOne(x) : x
    case .softsign: x / (1 + x.magnitude)
    case .softplus: RealFunction.softplus(x)
    }
  }
}
