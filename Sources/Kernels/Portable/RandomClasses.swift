import Device
import ModelGraph
import Tensors

extension RandomClasses: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try RandomClassesProgram.build(self, request) }
}

/// ONNX `Multinomial`: for each sample, the first class up to which the probabilities add up to more than a random number.
/// A log probability that is infinite or not a number is that of a class which is never drawn.
enum RandomClassesProgram {
  static func build(_ classes: RandomClasses, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.require(operand.shape.rank == 2, "a matrix is needed")
    try request.requireResult([operand.shape.dims[0], classes.samples])
    let real = Conversion.realType(operand.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real], results: [0: .int64]) {
      return program
    }
    let (rows, count, samples) = (operand.shape.dims[0], operand.shape.dims[1], classes.samples)
    let source = RandomSource(seed: classes.seed)
    let errors = request.withoutElements
    guard let scratch = ElementType.float64.byteCount(of: count) else { return nil }
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "random classes", scratchBytes: alignedScratch(scratch)) { frame in
        let (logits, target) = (try frame.operand(0, as: type), try frame.result(0, as: Int64.self))
        let sums = try frame.scratch(as: Double.self)
        for row in 0..<rows where samples > 0 {
          let total = accumulate(logits + row &* count, count, into: sums)
          try errors.require(total > 0, "row \(row) has no class that can be drawn")
          for sample in 0..<samples {
            let place = row &* samples &+ sample
            target[place] = Int64(first(above: source.unit(place) * total, in: sums, count))
          }
        }
      }
    }
    switch operand.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    default: return nil
    }
  }

  /// Writes the sums of the probabilities up to each class, and returns the sum of all; 0 if there is none.
  private static func accumulate<Element: Real>(
    _ logits: UnsafePointer<Element>, _ count: Int, into sums: UnsafeMutablePointer<Double>
  ) -> Double {
    var largest = -Double.infinity
    for index in 0..<count where logits[index].isFinite { largest = max(largest, Double(logits[index])) }
    var sum = 0.0
    for index in 0..<count {
      if logits[index].isFinite { sum += Double.exponential(Double(logits[index]) - largest) }
      sums[index] = sum
    }
    return sum
  }

  /// The index of the first sum that is larger than `number`; the last class that has a probability if rounding leaves none.
  private static func first(above number: Double, in sums: UnsafePointer<Double>, _ count: Int) -> Int {
    let number = min(number, sums[count &- 1].nextDown)
    var (start, end) = (0, count &- 1)
    while start < end {
      let middle = start &+ (end &- start) / 2
      if sums[middle] > number { end = middle } else { start = middle &+ 1 }
    }
    return start
  }
}
