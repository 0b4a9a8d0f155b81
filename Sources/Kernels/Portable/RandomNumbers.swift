import Device
import ModelGraph
import Tensors

extension RandomNumbers: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try RandomNumbersProgram.build(self, request) }
}

/// Independent numbers of one distribution. The result's shape has the sizes.
enum RandomNumbersProgram {
  static func build(_ numbers: RandomNumbers, _ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    try request.require(
      result.elementType == numbers.elementType, "the result should be \(numbers.elementType)")
    return try typed(numbers, request)
  }

  private static func typed(_ numbers: RandomNumbers, _ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    if result.elementType == .float16 || result.elementType == .bfloat16 {
      var wide = numbers
      wide.elementType = .float32
      return try Conversion.ifNeeded(request.with(op: Op(wide)), results: [0: .float32]) ?? nil
    }
    let (source, count) = (RandomSource(seed: numbers.seed), result.shape.elementCount)
    let (start, extent) = (numbers.start, numbers.extent)
    func program<Element: Real>(_ type: Element.Type) -> Program {
      switch numbers.distribution {
      case .uniform:
        Program(name: "uniform random numbers") { frame in
          uniform(source, start, extent, to: try frame.result(0, as: type), count)
        }
      case .normal:
        Program(name: "normal random numbers") { frame in
          normal(source, start, extent, to: try frame.result(0, as: type), count)
        }
      }
    }
    switch result.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    default: return nil
    }
  }

  private static func uniform<Element: Real>(
    _ source: RandomSource, _ low: Double, _ high: Double, to target: UnsafeMutablePointer<Element>,
    _ count: Int
  ) {
    // Rounding may not give the upper bound itself.
    let last = high > low ? Element(high).nextDown : Element.infinity
    for index in 0..<count {
      let number = Element(low + (high - low) * source.unit(index))
      target[index] = number > last ? last : number
    }
  }

  /// Two numbers at a time, by the transform of Box and Muller.
  private static func normal<Element: Real>(
    _ source: RandomSource, _ mean: Double, _ deviation: Double, to target: UnsafeMutablePointer<Element>,
    _ count: Int
  ) {
    for index in stride(from: 0, to: count, by: 2) {
      // Above 0, whose logarithm is infinite.
      let radius = (-2 * Double.logarithm(1 - source.unit(index))).squareRoot() * deviation
      let angle = 2 * Double.pi * source.unit(index &+ 1)
      target[index] = Element(mean + radius * Double.trigonometric(.cosine, angle))
      if index &+ 1 < count {
        target[index &+ 1] = Element(mean + radius * Double.trigonometric(.sine, angle))
      }
    }
  }
}
