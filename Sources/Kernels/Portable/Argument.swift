import Device
import ModelGraph
import Tensors

extension ArgumentOf: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ArgumentProgram.build(
      extremum, axis: axis, keepDimensions: keepDimensions, last: selectLastIndex, request)
  }
}

/// ONNX `ArgMax` and `ArgMin`.
enum ArgumentProgram {
  static func build(
    _ extremum: Extremum, axis: Int, keepDimensions: Bool, last: Bool, _ request: KernelRequest
  ) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    guard let wide = Conversion.foldType(operand.elementType, ordered: true) else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide]) { return program }
    let axis = try request.axis(axis, rank: operand.shape.rank)
    var dims = operand.shape.dims
    if keepDimensions { dims[axis] = 1 } else { dims.remove(at: axis) }
    try request.requireResult(dims)
    try request.require(result.elementType == .int64, "the result should be int64")
    let (outer, count, inner) = operand.shape.split(at: axis)
    try request.require(count > 0 || result.shape.elementCount == 0, "there is nothing to choose from")
    func program<Element: Number>(_ type: Element.Type) -> Program {
      Program(name: "argument of \(extremum)") { frame in
        let source = try frame.operand(0, as: type)
        let target = try frame.result(0, as: Int64.self)
        let wantsLargest = extremum == .maximum
        for row in 0..<outer {
          for column in 0..<inner {
            let line = source + (row &* count &* inner &+ column)
            var (best, index) = (line.pointee, 0)
            for candidate in 1..<max(count, 1) {
              let value = line[candidate &* inner]
              let isBetter = wantsLargest ? value > best : value < best
              // The first that is not a number stays.
              if isBetter || (value != value && best == best) || (last && value == best) {
                (best, index) = (value, candidate)
              }
            }
            target[row &* inner &+ column] = Int64(index)
          }
        }
      }
    }
    switch operand.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    case .int64: return program(Int64.self)
    case .uint64: return program(UInt64.self)
    default: return nil
    }
  }
}
