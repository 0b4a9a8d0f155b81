import Device
import ModelGraph
import Tensors

extension LayerNormalization: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try LayerNormalizationProgram.build(axis: axis, epsilon, request)
  }
}

/// ONNX `LayerNormalization`: x, scale, bias (optional). Results: y, and the mean and inverse deviation if wanted.
enum LayerNormalizationProgram {
  static func build(axis: Int, _ epsilon: Double, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let operand = try request.operand(0)
    try request.requireResult(operand.shape.dims)
    let axis = try request.axis(axis, rank: operand.shape.rank)
    let rows = operand.shape.dims[..<axis].reduce(1, *)
    let count = operand.shape.dims[axis...].reduce(1, *)
    for index in 1..<3 {
      guard let result = request.optionalResult(index) else { continue }
      try request.require(result.shape.elementCount == rows, "result \(index) should be one number a row")
    }
    // Scale and bias broadcast to x: the general way is that of multiply and add.
    var tail: [(Program, Int)] = []
    for index in 1..<3 where request.optionalOperand(index) != nil || index == 1 {
      let scaled = request.with(
        op: .binary(index == 1 ? .multiply : .add), operands: [operand, try request.operand(index)],
        results: [try request.result(0)])
      guard let step = try Program.build(scaled) else { return nil }
      tail.append((step, index))
    }
    let steps = tail
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "layer normalization", inPlaceOperands: request.inPlace(0)) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        let (means, inverses) = (frame.optionalResult(1, as: type), frame.optionalResult(2, as: type))
        for row in 0..<rows {
          let start = row &* count
          let (mean, variance) = moments(source + start, count)
          let inverse = 1 / (variance + Element(epsilon)).squareRoot()
          mapElements(type, source + start, target + start, count) { ($0 - mean) * inverse }
          means?[row] = mean
          inverses?[row] = inverse
        }
        for (step, index) in steps {
          try step.body(
            Frame(
              operands: [UnsafeRawPointer(target), frame.operands[index]],
              results: [UnsafeMutableRawPointer(target)], scratch: nil))
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }
}
