import Device
import ModelGraph
import Tensors

extension Slice: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try SliceProgram.build(request) }
}

/// ONNX `Slice`: x, starts, ends, axes, steps.
enum SliceProgram {
  private struct Plan: Sendable {
    var offset: Int
    /// True if the slice's elements are contiguous in the operand.
    var isRun: Bool
    var copy: StridedCopy
  }

  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    let parameters = try (1...4).map { try Parameter(request, $0) }
    let deferred = try Deferred(parameters) { values in
      let (dims, starts, steps) = try window(request, operand.shape, values)
      try request.require(
        dims == result.shape.dims, "the slice has the shape \(dims), not \(result.shape.dims)")
      let strides = operand.shape.strides
      let offset = dims.contains(0) ? 0 : zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
      // An axis of one element takes no step, and its step may be anything.
      let source = dims.indices.map { dims[$0] > 1 ? strides[$0] * steps[$0] : 0 }
      let target = denseStrides(dims)
      return Plan(
        offset: offset * size, isRun: dims.indices.allSatisfy { dims[$0] == 1 || source[$0] == target[$0] },
        copy: StridedCopy(dims, source: source, target: target, elementSize: size))
    }
    let offsets = deferred.known.flatMap { $0.isRun ? [$0.offset] : nil }
    return Program(name: "slice", resultOffsets: offsets) { frame in
      let plan = try deferred.plan(frame)
      plan.copy.run(
        from: try frame.operand(0, as: UInt8.self) + plan.offset, to: try frame.result(0, as: UInt8.self))
    }
  }

  /// The sizes, first indices and steps of the slice along every axis, clamped as ONNX says.
  private static func window(_ request: KernelRequest, _ shape: Shape, _ values: [[Int]?]) throws
    -> (dims: [Int], starts: [Int], steps: [Int])
  {
    guard let starts = values[0], let ends = values[1], starts.count == ends.count,
      starts.count <= shape.rank
    else { throw request.invalid("starts and ends should be as many as the sliced axes") }
    let axes = values[2] ?? Array(starts.indices)
    let steps = values[3] ?? starts.map { _ in 1 }
    try request.require(
      axes.count == starts.count && steps.count == starts.count, "axes and steps should be as many as starts")
    var dims = shape.dims
    var first = [Int](repeating: 0, count: dims.count)
    var stride = [Int](repeating: 1, count: dims.count)
    for (position, value) in axes.enumerated() {
      let axis = try request.axis(value, rank: shape.rank)
      let (dim, step) = (shape.dims[axis], steps[position])
      try request.require(step != 0, "a slice cannot step by 0")
      // Clamped first: then nothing below can overflow.
      func clamp(_ index: Int, _ low: Int, _ high: Int) -> Int {
        min(max(index < 0 ? index.addingReportingOverflow(dim).partialValue : index, low), high)
      }
      let start = step > 0 ? clamp(starts[position], 0, dim) : clamp(starts[position], 0, max(dim - 1, 0))
      let end = step > 0 ? clamp(ends[position], 0, dim) : clamp(ends[position], -1, dim - 1)
      let distance = max(0, step > 0 ? end - start : start - end)
      let pace = Int(clamping: step.magnitude)
      dims[axis] = dim == 0 ? 0 : distance / pace + (distance % pace == 0 ? 0 : 1)
      first[axis] = start
      stride[axis] = step
    }
    return (dims, first, stride)
  }
}
