import Device
import ModelGraph
import Tensors

extension SquaredDistance: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try SquaredDistanceProgram.build(request) }
}

/// Squared distances of rows: x, y. Differences are squared one by one: squares of the rows less their product would lose the
/// digits of a small distance between long rows.
enum SquaredDistanceProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (x, y) = (try request.operand(0), try request.operand(1))
    guard x.elementType.isFloatingPoint else { return nil }
    let real = Conversion.realType(x.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real, 1: real], results: [0: real]) {
      return program
    }
    try request.requireSameType(0)
    try request.requireSameType(1)
    try request.require(
      x.shape.rank == 2 && y.shape.rank == 2 && x.shape.dims[1] == y.shape.dims[1],
      "the rows should have one length")
    let (rows, others, count) = (x.shape.dims[0], y.shape.dims[0], x.shape.dims[1])
    try request.requireResult([rows, others])
    func program<Element: Real & SIMDScalar>(_ type: Element.Type) -> Program {
      Program(name: "squared distance") { frame in
        let (left, right) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
        let target = try frame.result(0, as: type)
        for row in 0..<rows {
          for other in 0..<others {
            target[row &* others &+ other] = distance(left + row &* count, right + other &* count, count)
          }
        }
      }
    }
    return real == .float64 ? program(Double.self) : program(Float.self)
  }

  @inline(__always)
  private static func distance<Element: Real & SIMDScalar>(
    _ x: UnsafePointer<Element>, _ y: UnsafePointer<Element>, _ count: Int
  ) -> Element {
    var sums = SIMD8<Element>(repeating: 0)
    var index = 0
    while index &+ 8 <= count {
      let difference =
        UnsafeRawPointer(x + index).loadUnaligned(as: SIMD8<Element>.self)
        - UnsafeRawPointer(y + index).loadUnaligned(as: SIMD8<Element>.self)
      sums += difference * difference
      index &+= 8
    }
    var sum = sums.sum()
    while index < count {
      let difference = x[index] - y[index]
      sum += difference * difference
      index &+= 1
    }
    return sum
  }
}
