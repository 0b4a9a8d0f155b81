import Device
import ModelGraph
import Tensors

extension ShortTimeFourierTransform: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    let signal = try request.operand(0)
    guard signal.elementType.isFloatingPoint else { return nil }
    let real = Conversion.realType(signal.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real, 2: real], results: [0: real]) {
      return program
    }
    let plain = request.withoutElements
    let lines = try Deferred([try Parameter(request, 1), try Parameter(request, 3)]) { values in
      try self.lines(step: values[0], length: values[1], plain)
    }
    let longest = signal.shape.dims.max() ?? 0
    return FourierProgram.build(
      "short-time fourier transform", lines, longest: longest, window: 2, real)
  }

  private func lines(step: [Int]?, length: [Int]?, _ request: KernelRequest) throws -> FourierLines {
    let (x, y) = (try request.operand(0).shape.dims, try request.result(0).shape.dims)
    let window = request.optionalOperand(2)?.shape.dims
    try request.require(
      x.count == 3 && (1...2).contains(x[2]) && step?.count == 1 && length?.count ?? 1 == 1
        && window?.count ?? 1 == 1, "a signal of real or complex numbers, a step and a window are needed")
    let count = length?.first ?? window?[0] ?? x[1]
    let step = step?.first ?? 0
    guard let plan = FourierPlan(count), count <= x[1], step > 0, window.map({ $0[0] == count }) ?? true
    else {
      throw request.invalid(
        "frames of \(count) elements, \(step) elements apart, cannot be transformed with this window")
    }
    let (frames, wanted) = ((x[1] - count) / step + 1, oneSided ? count / 2 + 1 : count)
    try request.requireResult([x[0], frames, wanted, 2])
    return FourierLines(
      plan: plan, count: x[0] * frames,
      // A step beyond the signal is not taken.
      source: TensorLines(
        neighbours: frames, neighbourStride: min(step, x[1]) * x[2], outerStride: x[1] * x[2], step: x[2]),
      target: TensorLines(
        neighbours: frames, neighbourStride: y[2] * 2, outerStride: frames * y[2] * 2, step: 2),
      given: count, wanted: wanted, isReal: x[2] == 1, inverse: false, isHalf: false)
  }
}
