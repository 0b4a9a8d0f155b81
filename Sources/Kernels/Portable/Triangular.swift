import Device
import ModelGraph
import Tensors

extension Triangular: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try TriangularProgram.build(upper: upper, request)
  }
}

/// ONNX `Trilu`: x, k (optional).
enum TriangularProgram {
  static func build(upper: Bool, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    try request.requireResult(operand.shape.dims)
    let dims = operand.shape.dims
    try request.require(dims.count >= 2, "a matrix is needed")
    guard let size = request.elementSize(operand.elementType) else { return nil }
    let (rows, columns) = (dims[dims.count - 2], dims[dims.count - 1])
    let matrices = dims.dropLast(2).reduce(1, *)
    let k = try Parameter(request, 1)
    return Program(name: "triangular", inPlaceOperands: [0]) { frame in
      let diagonal = min(max(try k?.values(frame).first ?? 0, -rows), columns)
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      for row in 0..<matrices * rows {
        // The first element of the row that belongs to the upper part, or the first above the lower part.
        let edge = row % rows + diagonal
        let first = min(max(upper ? edge : edge + 1, 0), columns)
        let start = row * columns * size
        let kept = upper ? first..<columns : 0..<first
        let cleared = upper ? 0..<first : first..<columns
        let bytes = kept.count * size
        if from != UnsafePointer(to) {
          (to + start + kept.lowerBound * size).update(
            from: from + start + kept.lowerBound * size, count: bytes)
        }
        (to + start + cleared.lowerBound * size).update(repeating: 0, count: cleared.count * size)
      }
    }
  }
}
