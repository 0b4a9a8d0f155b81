import Device
import ModelGraph
import Tensors

extension FourierTransform: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    let x = try request.operand(0)
    guard x.elementType.isFloatingPoint else { return nil }
    let real = Conversion.realType(x.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real], results: [0: real]) {
      return program
    }
    let plain = request.withoutElements
    let lines = try Deferred([try Parameter(request, 1), try Parameter(request, 2)]) { values in
      try self.lines(axis: values[0], length: values[1], plain)
    }
    let sizes = x.shape.dims + (try request.result(0).shape.dims)
    // The first half of a spectrum is of at least half the length.
    let longest = (sizes.max() ?? 0).addingReportingOverflow(1).partialValue
    return FourierProgram.build(
      "fourier transform", lines, longest: longest.multipliedReportingOverflow(by: 2).partialValue,
      window: nil, real)
  }

  private func lines(axis: [Int]?, length: [Int]?, _ request: KernelRequest) throws -> FourierLines {
    let (x, y) = (try request.operand(0).shape, try request.result(0).shape)
    let (isReal, isHalf) = (x.dims.last == 1, inverse && oneSided)
    try request.require(
      x.rank >= 2 && (isReal || x.dims.last == 2) && axis?.count == 1 && length?.count ?? 1 == 1,
      "a signal of real or complex numbers, an axis and a length are needed")
    let axis = try request.axis(axis?.first ?? 0, rank: x.rank)
    try request.require(axis < x.rank - 1, "the last axis holds real and imaginary parts, and no signal")
    let given = x.dims[axis]
    let count = length?.first ?? (isHalf ? 2 * (given - 1) : given)
    let wanted = oneSided && !inverse ? count / 2 + 1 : count
    guard let plan = FourierPlan(count), y.rank == x.rank else {
      throw request.invalid("a signal of \(count) elements cannot be transformed")
    }
    var dims = x.dims
    (dims[axis], dims[x.rank - 1]) = (wanted, isHalf ? 1 : 2)
    try request.requireResult(dims)
    return FourierLines(
      plan: plan, count: x.dims[..<axis].reduce(1, *) * x.dims[(axis + 1)..<(x.rank - 1)].reduce(1, *),
      source: TensorLines(x, along: axis), target: TensorLines(y, along: axis), given: given, wanted: wanted,
      isReal: isReal, inverse: inverse, isHalf: isHalf)
  }
}

extension TensorLines {
  /// The lines of numbers along an axis of a tensor whose last axis holds the parts of a number.
  fileprivate init(_ shape: Shape, along axis: Int) {
    let step = shape.dims[(axis + 1)...].reduce(1, *)
    let parts = shape.dims.last ?? 1
    self.init(
      neighbours: max(step / max(parts, 1), 1), neighbourStride: parts, outerStride: shape.dims[axis] * step,
      step: step)
  }
}
