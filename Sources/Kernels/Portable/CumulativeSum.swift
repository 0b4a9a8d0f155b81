import Device
import ModelGraph
import Tensors

extension CumulativeSum: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try CumulativeSumProgram.build(exclusive: exclusive, reverse: reverse, request)
  }
}

/// ONNX `CumSum`: x, axis.
enum CumulativeSumProgram {
  static func build(exclusive: Bool, reverse: Bool, _ request: KernelRequest) throws -> Program? {
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
      Program(name: "cumulative sum") { frame in
        let (outer, count, inner) = operand.shape.split(at: try deferred.plan(frame))
        let source = try frame.operand(0, as: type)
        let target = try frame.result(0, as: type)
        for row in 0..<outer {
          for position in 0..<count {
            let index = reverse ? count - 1 - position : position
            let here = (row &* count &+ index) &* inner
            let before = reverse ? here &+ inner : here &- inner
            for column in 0..<inner {
              let sum = position == 0 ? Element.zero : target[before &+ column]
              if !exclusive {
                target[here &+ column] = Element.sum(sum, source[here &+ column])
              } else {
                target[here &+ column] =
                  position == 0 ? Element.zero : Element.sum(sum, source[before &+ column])
              }
            }
          }
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
}
