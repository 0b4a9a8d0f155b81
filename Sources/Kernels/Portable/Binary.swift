import Device
import ModelGraph
import Tensors

extension Binary: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try BinaryProgram.build(function, request) }
}

/// Functions of two elements, with NumPy's broadcasting.
enum BinaryProgram {
  /// One row: operands with steps of 0 or 1, then the result, then the count.
  typealias Row =
    @Sendable (UnsafeRawPointer, Int, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int) -> Void

  static func build(_ function: BinaryFunction, _ request: KernelRequest) throws -> Program? {
    let (a, b, result) = (try request.operand(0), try request.operand(1), try request.result(0))
    if function == .power, a.elementType != b.elementType {
      return try mixedPower(a.elementType, b.elementType, request)
    }
    try request.require(a.elementType == b.elementType, "the operands should have one element type")
    if function.isPredicate {
      try request.require(result.elementType == .bool, "the result should be bool")
    } else {
      try request.requireSameType(0)
    }
    guard a.elementType.bitWidth >= 8 else { return nil }
    let isLogic = a.elementType == .bool
    if !isLogic {
      let wide = Conversion.arithmeticType(a.elementType)
      let results = function.isPredicate ? [:] : [0: wide]
      if let program = try Conversion.ifNeeded(request, operands: [0: wide, 1: wide], results: results) {
        return program
      }
    }
    guard let row = isLogic ? BinaryLogic.row(function) : row(function, a.elementType),
      let size = request.elementSize(a.elementType), let resultSize = request.elementSize(result.elementType)
    else { return nil }
    let rows = try request.broadcastRows([0, 1])
    let inPlace = [a, b].indices.filter { index in
      let operand = index == 0 ? a : b
      return size == resultSize && operand.shape == result.shape
    }
    return Program(name: "binary \(function) \(a.elementType)", inPlaceOperands: inPlace) { frame in
      let left = UnsafeRawPointer(try frame.operand(0, as: UInt8.self))
      let right = UnsafeRawPointer(try frame.operand(1, as: UInt8.self))
      let target = UnsafeMutableRawPointer(try frame.result(0, as: UInt8.self))
      // In bounds: the offsets walk the operands' own shapes, repeated along broadcast axes.
      rows.outer.forEach { offset in
        row(
          left + offset[1] &* size, rows.steps[1], right + offset[2] &* size, rows.steps[2],
          target + offset[0] &* resultSize, rows.count)
      }
    }
  }

  /// `Pow` with an exponent of another type: computed in the base's type, or in doubles when the base is an integer
  /// and the exponent is not.
  private static func mixedPower(_ base: ElementType, _ exponent: ElementType, _ request: KernelRequest)
    throws
    -> Program?
  {
    let type: ElementType
    if base.isFloatingPoint {
      type = Conversion.realType(base)
    } else if exponent.isFloatingPoint {
      type = .float64
    } else {
      type = .int64
    }
    return try Conversion.ifNeeded(request, operands: [0: type, 1: type], results: [0: type]) ?? nil
  }

  private static func row(_ function: BinaryFunction, _ type: ElementType) -> Row? {
    switch type {
    case .float32: real(function, Float.self)
    case .float64: real(function, Double.self)
    case .int64: integer(function, Int64.self)
    case .uint64: integer(function, UInt64.self)
    default: nil
    }
  }

  private static func real<Element: Real>(_ function: BinaryFunction, _ type: Element.Type) -> Row? {
    switch function {
    case .and, .or, .exclusiveOr, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: nil
    case .power: { a, aStep, b, bStep, r, count in powers(type, a, aStep, b, bStep, r, count) }
    default: common(function, type)
    }
  }

  private static func integer<Element: Number & FixedWidthInteger>(
    _ function: BinaryFunction, _ type: Element.Type
  ) -> Row? {
    switch function {
    case .and, .or, .exclusiveOr: nil
    case .bitwiseAnd: { a, aStep, b, bStep, r, n in zipElements(type, a, aStep, b, bStep, r, n) { $0 & $1 } }
    case .bitwiseOr: { a, aStep, b, bStep, r, n in zipElements(type, a, aStep, b, bStep, r, n) { $0 | $1 } }
    case .bitwiseXor: { a, aStep, b, bStep, r, n in zipElements(type, a, aStep, b, bStep, r, n) { $0 ^ $1 } }
    case .shiftLeft: { a, aStep, b, bStep, r, n in zipElements(type, a, aStep, b, bStep, r, n, shiftedLeft) }
    case .shiftRight:
      { a, aStep, b, bStep, r, n in zipElements(type, a, aStep, b, bStep, r, n, shiftedRight) }
    default: common(function, type)
    }
  }

  /// By a negative number, or by as many bits as there are or more, everything is shifted out.
  @inline(__always) private static func shiftedLeft<Element: FixedWidthInteger>(_ a: Element, _ b: Element)
    -> Element
  {
    b < 0 || b >= Element.bitWidth ? 0 : a &<< b
  }

  /// As ``shiftedLeft(_:_:)``; of a negative number the sign is left.
  @inline(__always) private static func shiftedRight<Element: FixedWidthInteger>(_ a: Element, _ b: Element)
    -> Element
  {
    b < 0 || b >= Element.bitWidth ? (a < 0 ? ~0 : 0) : a &>> b
  }

  private static func common<Element: Number>(_ function: BinaryFunction, _ type: Element.Type) -> Row {
    { a, aStep, b, bStep, r, count in
      @inline(__always) func loop(_ body: (Element, Element) -> Element) {
        zipElements(type, a, aStep, b, bStep, r, count, body)
      }
      @inline(__always) func test(_ body: (Element, Element) -> Bool) {
        zipElements(type, UInt8.self, a, aStep, b, bStep, r, count) { body($0, $1) ? 1 : 0 }
      }
      switch function {
      case .add: loop { Element.sum($0, $1) }
      case .subtract: loop { Element.difference($0, $1) }
      case .multiply: loop { Element.product($0, $1) }
      case .divide: loop { Element.quotient($0, $1) }
      case .power: loop { Element.power($0, $1) }
      case .maximum: loop { Element.larger($0, $1) }
      case .minimum: loop { Element.smaller($0, $1) }
      case .modulo: loop { Element.modulo($0, $1) }
      case .remainder: loop { Element.remainder($0, $1) }
      case .parametricRelu: loop { $0 < Element.zero ? Element.product($0, $1) : $0 }
      case .equal: test { $0 == $1 }
      case .less: test { $0 < $1 }
      case .lessOrEqual: test { $0 <= $1 }
      case .greater: test { $0 > $1 }
      case .greaterOrEqual: test { $0 >= $1 }
      default: break
      }
    }
  }

  /// Squares and square roots are worth more than a call of `pow` each.
  private static func powers<Element: Real>(
    _ type: Element.Type, _ a: UnsafeRawPointer, _ aStep: Int, _ b: UnsafeRawPointer, _ bStep: Int,
    _ r: UnsafeMutableRawPointer, _ count: Int
  ) {
    let exponent = b.assumingMemoryBound(to: Element.self)[0]
    if bStep == 0, exponent == 2 {
      zipElements(type, a, aStep, b, bStep, r, count) { x, _ in x * x }
    } else if bStep == 0, exponent == 3 {
      zipElements(type, a, aStep, b, bStep, r, count) { x, _ in x * x * x }
    } else if bStep == 0, exponent == 0.5 {
      // Unlike the square root's, the power of −0 is 0, and that of −∞ is ∞.
      zipElements(type, a, aStep, b, bStep, r, count) { x, _ in
        x == -Element.infinity ? Element.infinity : (x + 0).squareRoot()
      }
    } else {
      zipElements(type, a, aStep, b, bStep, r, count) { Element.raise($0, $1) }
    }
  }
}

/// `r[i] = body(a[i], b[i])`, where an operand of step 0 is one element for all of the row.
@inline(__always)
func zipElements<From: BitwiseCopyable, To: BitwiseCopyable>(
  _: From.Type, _: To.Type, _ a: UnsafeRawPointer, _ aStep: Int, _ b: UnsafeRawPointer, _ bStep: Int,
  _ r: UnsafeMutableRawPointer, _ count: Int, _ body: (From, From) -> To
) {
  let left = a.assumingMemoryBound(to: From.self)
  let right = b.assumingMemoryBound(to: From.self)
  let result = r.assumingMemoryBound(to: To.self)
  var index = 0
  if aStep == 1, bStep == 1 {
    while index < count {
      result[index] = body(left[index], right[index])
      index &+= 1
    }
  } else if aStep == 1 {
    let y = right[0]
    while index < count {
      result[index] = body(left[index], y)
      index &+= 1
    }
  } else {
    let x = left[0]
    while index < count {
      result[index] = body(x, right[index &* bStep])
      index &+= 1
    }
  }
}

@inline(__always)
func zipElements<Element: BitwiseCopyable>(
  _ type: Element.Type, _ a: UnsafeRawPointer, _ aStep: Int, _ b: UnsafeRawPointer, _ bStep: Int,
  _ r: UnsafeMutableRawPointer, _ count: Int, _ body: (Element, Element) -> Element
) {
  zipElements(type, type, a, aStep, b, bStep, r, count, body)
}

/// Functions of two booleans.
enum BinaryLogic {
  static func row(_ function: BinaryFunction) -> BinaryProgram.Row? {
    func truth(_ body: @escaping @Sendable (Bool, Bool) -> Bool) -> BinaryProgram.Row {
      { a, aStep, b, bStep, r, count in
        zipElements(UInt8.self, a, aStep, b, bStep, r, count) { body($0 != 0, $1 != 0) ? 1 : 0 }
      }
    }
    return switch function {
    case .and: truth { $0 && $1 }
    case .or: truth { $0 || $1 }
    case .exclusiveOr: truth { $0 != $1 }
    case .equal: truth { $0 == $1 }
    default: nil
    }
  }
}
