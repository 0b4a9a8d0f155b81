import Device
import ModelGraph
import Tensors

extension Pad: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try PadProgram.build(mode, request) }
}

/// ONNX `Pad`: x, pads, value, axes. Negative pads crop.
enum PadProgram {
  private struct Plan: Sendable {
    /// Constant mode: where the part of the operand that stays lies in operand and result, in bytes.
    var source = 0
    var target = 0
    var copy: StridedCopy?
    /// Other modes.
    var repeated: PadRepeat?
  }

  static func build(_ mode: PadMode, _ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    guard let size = request.elementSize(operand.elementType) else { return nil }
    if let value = request.optionalOperand(2) {
      try request.require(
        value.elementType == operand.elementType && value.shape.elementCount == 1,
        "the padding value should be one element of the operand's type")
    }
    let parameters = [try Parameter(request, 1), try Parameter(request, 3)]
    let isEmpty = result.shape.elementCount == 0
    let deferred = try Deferred(parameters) { values in
      if isEmpty { return Plan() }
      let begins = try begins(request, operand.shape, result.shape, values)
      return mode == .constant
        ? constant(begins, operand.shape, result.shape, size)
        : try repeated(mode, begins, operand.shape, result.shape, size, request)
    }
    let count = result.shape.elementCount
    return Program(name: "pad \(mode)") { frame in
      let plan = try deferred.plan(frame)
      let source = try frame.operand(0, as: UInt8.self)
      let target = try frame.result(0, as: UInt8.self)
      if let copy = plan.copy {
        fill(target, count, size, frame.optional(2, as: UInt8.self))
        copy.run(from: source + plan.source, to: target + plan.target)
      }
      plan.repeated?.run(from: source, to: target)
    }
  }

  /// Returns the amount added before each axis, checked against the result's shape.
  private static func begins(_ request: KernelRequest, _ shape: Shape, _ result: Shape, _ values: [[Int]?])
    throws -> [Int]
  {
    let axes = try (values[1] ?? Array(shape.dims.indices)).map { try request.axis($0, rank: shape.rank) }
    guard let pads = values[0], pads.count == 2 * axes.count, result.rank == shape.rank else {
      throw request.invalid("two pads are needed for each padded axis")
    }
    var begins = [Int](repeating: 0, count: shape.rank)
    var ends = begins
    for (position, axis) in axes.enumerated() {
      begins[axis] = pads[position]
      ends[axis] = pads[axes.count + position]
    }
    for axis in shape.dims.indices {
      let (partial, overflow) = shape.dims[axis].addingReportingOverflow(begins[axis])
      let (total, again) = partial.addingReportingOverflow(ends[axis])
      // Bounded, so that indices can be computed with.
      try request.require(
        !overflow && !again && total == result.dims[axis] && begins[axis].magnitude < 1 << 60,
        "the pads of axis \(axis) do not lead to the result's shape")
    }
    return begins
  }

  private static func constant(_ begins: [Int], _ shape: Shape, _ result: Shape, _ size: Int) -> Plan {
    var plan = Plan()
    var dims: [Int] = []
    for axis in shape.dims.indices {
      let first = max(begins[axis], 0)
      let last = min(begins[axis] + shape.dims[axis], result.dims[axis])
      dims.append(max(last - first, 0))
      plan.source += max(-begins[axis], 0) * shape.strides[axis] * size
      plan.target += first * result.strides[axis] * size
    }
    if dims.contains(0) { (plan.source, plan.target) = (0, 0) }
    plan.copy = StridedCopy(dims, source: shape.strides, target: result.strides, elementSize: size)
    return plan
  }

  private static func repeated(
    _ mode: PadMode, _ begins: [Int], _ shape: Shape, _ result: Shape, _ size: Int,
    _ request: KernelRequest
  ) throws -> Plan {
    for axis in shape.dims.indices {
      try request.require(
        shape.dims[axis] > 0 || result.dims[axis] == 0, "there is nothing to repeat along axis \(axis)")
    }
    var plan = Plan()
    plan.repeated = PadRepeat(
      mode: mode, begins: begins, source: shape, counts: result.dims, elementSize: size)
    return plan
  }
}

/// Writes `count` elements of `size` bytes, all equal to the one at `value`, or zero.
func fill(_ target: UnsafeMutablePointer<UInt8>, _ count: Int, _ size: Int, _ value: UnsafePointer<UInt8>?) {
  let bytes = count * size
  guard let value, (0..<size).contains(where: { value[$0] != 0 }) else {
    return target.update(repeating: 0, count: bytes)
  }
  if bytes == 0 { return }
  target.update(from: value, count: size)
  // Doubles what is there: each copy is of what the earlier ones wrote.
  var done = size
  while done < bytes {
    let more = min(done, bytes - done)
    (target + done).update(from: target, count: more)
    done += more
  }
}
