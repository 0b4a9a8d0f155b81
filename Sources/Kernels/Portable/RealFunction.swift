import ModelGraph

/// The functions of one floating-point element, each in a loop of its own.
enum RealFunction {
  static func apply<Element: Real>(
    _ function: UnaryFunction, _ type: Element.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer,
    _ count: Int
  ) {
    @inline(__always) func loop(_ body: (Element) -> Element) { mapElements(type, from, to, count, body) }
    switch function {
    case .absolute: loop { $0.magnitude }
    case .negate: loop { -$0 }
    case .exponential: loop { Element.exponential($0) }
    case .logarithm: loop { Element.logarithm($0) }
    case .squareRoot: loop { $0.squareRoot() }
    case .reciprocal: loop { 1 / $0 }
    case .floor: loop { $0.rounded(.down) }
    case .ceiling: loop { $0.rounded(.up) }
    case .round: loop { $0.rounded(.toNearestOrEven) }
    case .sign: loop { Element.sign($0) }
    case .errorFunction: loop { Element.error($0) }
    case .sine: loop { Element.trigonometric(.sine, $0) }
    case .cosine: loop { Element.trigonometric(.cosine, $0) }
    case .tangent: loop { Element.trigonometric(.tangent, $0) }
    case .arcSine: loop { Element.trigonometric(.arcSine, $0) }
    case .arcCosine: loop { Element.trigonometric(.arcCosine, $0) }
    case .arcTangent: loop { Element.trigonometric(.arcTangent, $0) }
    case .hyperbolicSine: loop { Element.trigonometric(.hyperbolicSine, $0) }
    case .hyperbolicCosine: loop { Element.trigonometric(.hyperbolicCosine, $0) }
    case .inverseHyperbolicSine: loop { Element.trigonometric(.inverseHyperbolicSine, $0) }
    case .inverseHyperbolicCosine: loop { Element.trigonometric(.inverseHyperbolicCosine, $0) }
    case .inverseHyperbolicTangent: loop { Element.trigonometric(.inverseHyperbolicTangent, $0) }
    case .tanh: loop { Element.hyperbolicTangent($0) }
    case .sigmoid: loop { sigmoid($0) }
    case .relu: loop { $0 < 0 ? 0 : $0 }
    case .softplus: loop { softplus($0) }
    case .softsign: loop { $0 / (1 + $0.magnitude) }
    case .mish: loop { $0 * Element.hyperbolicTangent(softplus($0)) }
    case .hardSwish: loop { $0 * larger(0, smaller(1, $0 / 6 + 0.5)) }
    case .silu: loop { $0 * sigmoid($0) }
    case .isNaN, .isInfinite, .logicalNot, .bitwiseNot: break
    default: parametric(function, type, from, to, count)
    }
  }

  private static func parametric<Element: Real>(
    _ function: UnaryFunction, _ type: Element.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer,
    _ count: Int
  ) {
    @inline(__always) func loop(_ body: (Element) -> Element) { mapElements(type, from, to, count, body) }
    switch function {
    case .leakyRelu(let slope):
      let slope = Element(slope)
      loop { $0 < 0 ? slope * $0 : $0 }
    case .elu(let alpha):
      let alpha = Element(alpha)
      loop { $0 < 0 ? alpha * Element.exponentialMinusOne($0) : $0 }
    case .celu(let alpha):
      let alpha = Element(alpha)
      loop { $0 < 0 ? alpha * Element.exponentialMinusOne($0 / alpha) : $0 }
    case .selu(let alpha, let gamma):
      let (alpha, gamma) = (Element(alpha), Element(gamma))
      loop { gamma * ($0 > 0 ? $0 : alpha * Element.exponentialMinusOne($0)) }
    case .thresholdedRelu(let alpha):
      let alpha = Element(alpha)
      loop { $0 > alpha ? $0 : 0 }
    case .shrink(let threshold, let bias):
      let (threshold, bias) = (Element(threshold), Element(bias))
      loop { $0 < -threshold ? $0 + bias : $0 > threshold ? $0 - bias : 0 }
    case .hardSigmoid(let alpha, let beta):
      let (alpha, beta) = (Element(alpha), Element(beta))
      loop { larger(0, smaller(1, alpha * $0 + beta)) }
    case .gelu(let approximate):
      if approximate {
        let root = Element((2 / Double.pi).squareRoot())
        loop { 0.5 * $0 * (1 + Element.hyperbolicTangent(root * ($0 + 0.044715 * $0 * $0 * $0))) }
      } else {
        let root = Element(0.5.squareRoot())
        loop { 0.5 * $0 * (1 + Element.error(root * $0)) }
      }
    case .clip(let minimum, let maximum):
      let (low, high) = (Element(minimum), Element(maximum))
      loop { clip($0, from: low, to: high) }
    default: break
    }
  }

  /// Returns the nearest number between two bounds. In this order of the operands a NaN stays one, and either choice is a
  /// single instruction.
  @inline(__always) static func clip<Element: Real>(_ x: Element, from low: Element, to high: Element)
    -> Element
  {
    let raised = x < low ? low : x
    return raised > high ? high : raised
  }

  @inline(__always) static func sigmoid<Element: Real>(_ x: Element) -> Element {
    // exp of a negative number only: no overflow, and no cancellation near 0 or 1.
    let power = Element.exponential(-x.magnitude)
    return x < 0 ? power / (1 + power) : 1 / (1 + power)
  }

  @inline(__always) static func softplus<Element: Real>(_ x: Element) -> Element {
    larger(x, 0) + Element.logarithmPlusOne(Element.exponential(-x.magnitude))
  }

  @inline(__always) private static func larger<Element: Real>(_ a: Element, _ b: Element) -> Element {
    Element.larger(a, b)
  }

  @inline(__always) private static func smaller<Element: Real>(_ a: Element, _ b: Element) -> Element {
    Element.smaller(a, b)
  }
}
