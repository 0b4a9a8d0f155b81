import Device
import ModelGraph
import Tensors

extension Resize: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ResizeProgram.build(self, request) }
}

/// ONNX `Resize` and `Upsample`: x, roi, scales, sizes. The result's shape says how large.
///
/// Nearest neighbours are a gather; linear and cubic interpolation is one pass an axis, since the weights separate. A plan
/// keeps no tables: where the neighbours are is worked out in each call, in memory that it reserved.
enum ResizeProgram {
  private struct Plan: Sendable {
    var axes: [ResizeAxis] = []
    var passes: [ResizePass] = []
    /// The elements of each tensor between two passes.
    var between: [Int] = []
  }

  static func build(_ resize: Resize, _ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    try request.require(operand.shape.rank == result.shape.rank, "resizing keeps the rank")
    guard let size = request.elementSize(operand.elementType),
      !(resize.antialias && resize.coordinates == .tfCropAndResize)
    else { return nil }
    if resize.mode != .nearest {
      let real = Conversion.realType(operand.elementType)
      if let program = try Conversion.ifNeeded(request, operands: [0: real], results: [0: real]) {
        return program
      }
    }
    try request.require(
      operand.shape.elementCount > 0 || result.shape.elementCount == 0, "there is nothing to resize")
    let isEmpty = result.shape.elementCount == 0
    try request.require((result.shape.dims.max() ?? 0) <= AxisMap.longestAxis, "an axis is too long")
    let steering = try [1, 2, 3].map { try RealParameter(request, $0) }
    let deferred = try Deferred(steering) { values in
      if isEmpty { return Plan() }
      let axes = try axes(resize, operand.shape, result.shape, values, request)
      return plan(resize, axes, operand.shape)
    }
    let largest = zip(operand.shape.dims, result.shape.dims).reduce(1.0) { $0 * Double(max($1.0, $1.1)) }
    try request.require(largest < 0x1p56, "the image is too large")
    // Between passes: two buffers at most, each as large as the largest tensor that can lie between.
    let between = deferred.known?.between ?? [Int(largest), Int(largest)]
    let buffer = alignedScratch((between.max() ?? 0) * size)
    let isNearest = resize.mode == .nearest
    let table = result.shape.dims.reduce(0, +)
    return Program(
      name: "resize \(resize.mode)",
      scratchBytes: isNearest
        ? alignedScratch(table * MemoryLayout<Int>.stride) : min(between.count, 2) * buffer
    ) { frame in
      let plan = try deferred.plan(frame)
      if isNearest {
        let offsets = UnsafeMutableBufferPointer(start: try frame.scratch(at: 0, as: Int.self), count: table)
        fill(offsets, plan.axes, operand.shape)
        AxisMap.gather(
          UnsafeBufferPointer(offsets), result.shape.dims, elementSize: size,
          from: try frame.operand(0, as: UInt8.self), to: try frame.result(0, as: UInt8.self))
      } else if operand.elementType == .float64 {
        try run(Double.self, plan.passes, buffer, operand.shape.elementCount, frame)
      } else {
        try run(Float.self, plan.passes, buffer, operand.shape.elementCount, frame)
      }
      try extrapolate(resize, plan.axes, result, frame)
    }
  }

  private static func axes(
    _ resize: Resize, _ shape: Shape, _ result: Shape, _ values: [[Double]?], _ request: KernelRequest
  ) throws -> [ResizeAxis] {
    let named = try (resize.axes ?? Array(shape.dims.indices)).map { try request.axis($0, rank: shape.rank) }
    var scales = zip(shape.dims, result.dims).map { $0 == 0 ? 1 : Float($1) / Float($0) }
    var lengths = result.dims.map { Float($0) }
    if let given = values[1], !given.isEmpty {
      try request.require(given.count == named.count, "a scale is needed for each resized axis")
      for (axis, scale) in zip(named, given) {
        // Another scale than the result's size speaks of would weigh any number of elements for each of the result.
        let size = Double(shape.dims[axis]) * scale
        try request.require(
          resize.coordinates == .tfCropAndResize
            || (size - Double(result.dims[axis])).magnitude <= 1 + 1e-5 * size.magnitude,
          "the scale \(scale) does not lead to the result's shape")
        scales[axis] = Float(scale)
        lengths[axis] = Float(scale) * Float(shape.dims[axis])
      }
    } else if let given = values[2], resize.aspectRatio != .stretch {
      // The sizes that were asked for give one scale, from which the result's sizes were rounded.
      try request.require(given.count == named.count, "a size is needed for each resized axis")
      let chosen = zip(named, given).map { Float($1) / Float(max(shape.dims[$0], 1)) }
      let one = resize.aspectRatio == .notLarger ? chosen.min() : chosen.max()
      for axis in named { scales[axis] = one ?? 1 }
    }
    try request.require(scales.allSatisfy { $0 > 0 && $0.isFinite }, "scales should be positive")
    var axes = shape.dims.indices.map { axis in
      ResizeAxis(
        input: shape.dims[axis], output: result.dims[axis], scale: scales[axis], length: lengths[axis],
        resize: resize)
    }
    if resize.coordinates == .tfCropAndResize {
      guard let roi = values[0], roi.count == 2 * named.count else {
        throw request.invalid("a region is needed, with a start and an end for each axis")
      }
      for (position, axis) in named.enumerated() {
        axes[axis].region = (Float(roi[position]), Float(roi[named.count + position]))
      }
    }
    return axes
  }

  private static func plan(_ resize: Resize, _ axes: [ResizeAxis], _ shape: Shape) -> Plan {
    var plan = Plan(axes: axes)
    if resize.mode == .nearest { return plan }
    var dims = shape.dims
    // Axes that shrink most go first, which leaves less work for later passes.
    let order = axes.indices.filter { !axes[$0].isIdentity }.sorted {
      axes[$0].output * axes[$1].input < axes[$1].output * axes[$0].input
    }
    for (position, axis) in order.enumerated() {
      plan.passes.append(
        ResizePass(
          outer: dims[..<axis].reduce(1, *), inner: dims[(axis + 1)...].reduce(1, *), axis: axes[axis]))
      dims[axis] = axes[axis].output
      if position < order.count - 1 { plan.between.append(dims.reduce(1, *)) }
    }
    return plan
  }

  /// Writes the offset of each index's nearest neighbour, axis by axis.
  private static func fill(_ offsets: UnsafeMutableBufferPointer<Int>, _ axes: [ResizeAxis], _ shape: Shape) {
    var place = 0
    for (axis, stride) in zip(axes, shape.strides) {
      for index in 0..<axis.output {
        offsets[place] = (axis.isIdentity ? index : axis.nearest(index)) * stride
        place += 1
      }
    }
  }

  private static func run<Element: Real>(
    _ type: Element.Type, _ passes: [ResizePass], _ buffer: Int, _ count: Int, _ frame: Frame
  ) throws {
    var source = try frame.operand(0, as: type)
    let result = try frame.result(0, as: type)
    if passes.isEmpty { result.update(from: source, count: count) }
    for (index, pass) in passes.enumerated() {
      let isLast = index == passes.count - 1
      let target = isLast ? result : try frame.scratch(at: index % 2 * buffer, as: type)
      pass.run(source, target)
      source = UnsafePointer(target)
    }
  }

  /// Puts the extrapolation value where the operand does not reach.
  private static func extrapolate(
    _ resize: Resize, _ axes: [ResizeAxis], _ result: KernelRequest.ResultType, _ frame: Frame
  ) throws {
    guard axes.contains(where: { axis in (0..<axis.output).contains { axis.isOutside($0) } }),
      let convert = convertLoop(from: .float64, to: result.elementType)
    else { return }
    let target = try frame.result(0, as: UInt8.self)
    let (dims, strides, size) = (result.shape.dims, result.shape.strides, result.elementType.bitWidth / 8)
    var value = resize.extrapolationValue
    for place in 0..<result.shape.elementCount {
      if dims.indices.contains(where: { axes[$0].isOutside(place / strides[$0] % dims[$0]) }) {
        convert(&value, target + place * size, 1)
      }
    }
  }
}
