import Device
import ModelGraph
import Tensors

extension Softmax: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try SoftmaxProgram.build(axis: axis, logarithmic: false, request)
  }
}

extension LogSoftmax: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try SoftmaxProgram.build(axis: axis, logarithmic: true, request)
  }
}

/// ONNX `Softmax` and `LogSoftmax` along one axis.
enum SoftmaxProgram {
  static func build(axis: Int, logarithmic: Bool, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    try request.requireResult(operand.shape.dims)
    guard operand.elementType.isFloatingPoint else { return nil }
    let real = Conversion.realType(operand.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real], results: [0: real]) {
      return program
    }
    let axis = try request.axis(axis, rank: operand.shape.rank)
    let (outer, count, inner) = operand.shape.split(at: axis)
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: logarithmic ? "log softmax" : "softmax", inPlaceOperands: [0]) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        for row in 0..<outer {
          for column in 0..<inner {
            let start = row &* count &* inner &+ column
            line(source + start, target + start, count, inner, logarithmic)
          }
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }

  private static func line<Element: Real>(
    _ from: UnsafePointer<Element>, _ to: UnsafeMutablePointer<Element>, _ count: Int, _ stride: Int,
    _ logarithmic: Bool
  ) {
    var largest = Element.lowest
    for index in 0..<count { largest = Element.larger(largest, from[index &* stride]) }
    if logarithmic { return logarithms(from, to, count, stride, largest) }
    var sum = Element.zero
    for index in 0..<count {
      let power = Element.exponential(from[index &* stride] - largest)
      sum += power
      to[index &* stride] = power
    }
    let factor = 1 / sum
    for index in 0..<count { to[index &* stride] *= factor }
  }

  /// The power of one largest element is 1. Added to those of the others, it would take the last digits of a small sum.
  private static func logarithms<Element: Real>(
    _ from: UnsafePointer<Element>, _ to: UnsafeMutablePointer<Element>, _ count: Int, _ stride: Int,
    _ largest: Element
  ) {
    var others = 0.0
    var hasOne = false
    for index in 0..<count {
      let shifted = from[index &* stride] - largest
      to[index &* stride] = shifted
      if shifted == 0, !hasOne {
        hasOne = true
      } else {
        others += Double(Element.exponential(shifted))
      }
    }
    let offset = Element(Double.logarithmPlusOne(others))
    for index in 0..<count { to[index &* stride] -= offset }
  }
}
