import Device
import ModelGraph
import Tensors

extension CumulativeSum: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try CumulativeProgram.build(isProduct: false, exclusive: exclusive, reverse: reverse, request)
  }
}

extension CumulativeProduct: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try CumulativeProgram.build(isProduct: true, exclusive: exclusive, reverse: reverse, request)
  }
}

/// ONNX `CumSum` and `CumProd`: x, axis.
enum CumulativeProgram {
  static func build(isProduct: Bool, exclusive: Bool, reverse: Bool, _ request: KernelRequest) throws
    -> Program?
  {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    try request.requireResult(operand.shape.dims)
    guard let wide = Conversion.foldType(operand.elementType, ordered: false) else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
      return program
    }
    let deferred = try Deferred([try Parameter(request, 1)]) { values in
      guard let axis = values[0]?.first, values[0]?.count == 1 else {
        throw request.invalid("the axis should be one number")
      }
      return try request.axis(axis, rank: operand.shape.rank)
    }
    func program<Element: Number>(_ type: Element.Type) -> Program {
      Program(name: isProduct ? "cumulative product" : "cumulative sum") { frame in
        let lines = operand.shape.split(at: try deferred.plan(frame))
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        if isProduct {
          run(source, target, lines, exclusive, reverse, .one) { Element.product($0, $1) }
        } else {
          run(source, target, lines, exclusive, reverse, .zero) { Element.sum($0, $1) }
        }
      }
    }
    switch operand.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    case .int64: return program(Int64.self)
    default: return nil
    }
  }

  /// - Parameters:
  ///   - neutral: the result before the first element.
  ///   - join: of the result so far and the next element.
  @inline(__always)
  private static func run<Element: Number>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>,
    _ lines: (outer: Int, count: Int, inner: Int), _ exclusive: Bool, _ reverse: Bool, _ neutral: Element,
    _ join: (Element, Element) -> Element
  ) {
    let (outer, count, inner) = lines
    for row in 0..<outer {
      for position in 0..<count {
        let index = reverse ? count - 1 - position : position
        let here = (row &* count &+ index) &* inner
        let before = reverse ? here &+ inner : here &- inner
        for column in 0..<inner {
          let result = position == 0 ? neutral : target[before &+ column]
          if !exclusive {
            target[here &+ column] = join(result, source[here &+ column])
          } else {
            target[here &+ column] = position == 0 ? neutral : join(result, source[before &+ column])
          }
        }
      }
    }
  }
}
