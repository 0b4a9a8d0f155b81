import Device
import ModelGraph
import Tensors

extension Unary: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try UnaryProgram.build(function, request) }
}

/// Functions of one element.
enum UnaryProgram {
  typealias Loop = @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  static func build(_ function: UnaryFunction, _ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireResult(operand.shape.dims)
    let type = operand.elementType
    let loop: Loop?
    switch function {
    case .isNaN, .isInfinite:
      try request.require(result.elementType == .bool, "the result should be bool")
      if let program = try Conversion.ifNeeded(request, operands: [0: Conversion.realType(type)]) {
        return type.isFloatingPoint ? program : nil
      }
      let infinite = function == .isInfinite
      loop =
        type == .float64
        ? tests(Double.self, infinite: infinite) : tests(Float.self, infinite: infinite)
    case .logicalNot:
      guard type == .bool, result.elementType == .bool else { return nil }
      loop = { from, to, count in mapElements(UInt8.self, UInt8.self, from, to, count) { $0 == 0 ? 1 : 0 } }
    default:
      try request.requireSameType(0)
      guard type != .bool, !type.isPacked, !type.isSmallFloat else { return nil }
      let wide = Conversion.arithmeticType(type)
      if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
        return program
      }
      switch type {
      case .float32: loop = real(function, Float.self)
      case .float64: loop = real(function, Double.self)
      case .int64: loop = integer(function, Int64.self)
      default: loop = integer(function, UInt64.self)
      }
    }
    guard let loop else { return nil }
    let count = operand.shape.elementCount
    return Program(
      name: "unary \(type)",
      inPlaceOperands: type.bitWidth == result.elementType.bitWidth ? [0] : []
    ) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      loop(from, to, count)
    }
  }

  private static func tests<Element: Real>(_: Element.Type, infinite: Bool) -> Loop {
    { from, to, count in
      if infinite {
        mapElements(Element.self, UInt8.self, from, to, count) { $0.isInfinite ? 1 : 0 }
      } else {
        mapElements(Element.self, UInt8.self, from, to, count) { $0.isNaN ? 1 : 0 }
      }
    }
  }

  private static func real<Element: Real>(_ function: UnaryFunction, _: Element.Type) -> Loop? {
    switch function {
    case .bitwiseNot: nil
    default: { from, to, count in RealFunction.apply(function, Element.self, from, to, count) }
    }
  }

  private static func integer<Element: Number & FixedWidthInteger>(_ function: UnaryFunction, _: Element.Type)
    -> Loop?
  {
    switch function {
    case .absolute: { from, to, count in mapElements(Element.self, from, to, count) { Element.absolute($0) } }
    case .negate: { from, to, count in mapElements(Element.self, from, to, count) { 0 &- $0 } }
    case .sign: { from, to, count in mapElements(Element.self, from, to, count) { Element.sign($0) } }
    case .relu: { from, to, count in mapElements(Element.self, from, to, count) { $0 > 0 ? $0 : 0 } }
    case .bitwiseNot: { from, to, count in mapElements(Element.self, from, to, count) { ~$0 } }
    case .floor, .ceiling, .round: { from, to, count in mapElements(Element.self, from, to, count) { $0 } }
    case .clip(let minimum, let maximum):
      { from, to, count in
        let (low, high) = (clamped(minimum, Element.self), clamped(maximum, Element.self))
        mapElements(Element.self, from, to, count) { min(max($0, low), high) }
      }
    case .shrink(let threshold, let bias):
      { from, to, count in
        mapElements(Element.self, from, to, count) { x in
          let wide = Double(x)
          let moved = wide < -threshold ? wide + bias : wide > threshold ? wide - bias : 0
          return Element(converting: moved)
        }
      }
    default: nil
    }
  }

  /// The integer nearest to `bound` towards zero, within the type's range.
  private static func clamped<Element: FixedWidthInteger>(_ bound: Double, _: Element.Type) -> Element {
    if bound <= Double(Element.min) { return .min }
    if bound >= Double(Element.max) { return .max }
    return bound.isNaN ? .min : Element(bound)
  }
}

/// `to[i] = function(from[i])`; both are dense and may be the same memory.
@inline(__always)
func mapElements<From: BitwiseCopyable, To: BitwiseCopyable>(
  _: From.Type, _: To.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int,
  _ function: (From) -> To
) {
  let source = from.assumingMemoryBound(to: From.self)
  let target = to.assumingMemoryBound(to: To.self)
  var index = 0
  while index < count {
    target[index] = function(source[index])
    index &+= 1
  }
}

@inline(__always)
func mapElements<Element: BitwiseCopyable>(
  _ type: Element.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int,
  _ function: (Element) -> Element
) {
  mapElements(type, type, from, to, count, function)
}
