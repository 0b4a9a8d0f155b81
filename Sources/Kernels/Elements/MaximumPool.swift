import CElements
import CHost
import Device
import ModelGraph
import Tensors

extension Pool: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.kernel(request) { try engine.maximumPool($0, self) }
  }
}

extension Reduce: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.kernel(request) { try engine.maximum($0, self) }
  }
}

extension OneDNNEngine {
  /// ONNX `MaxPool` (values alone) and `GlobalMaxPool`; `nil` for others. The library's starts from the lowest finite number.
  fileprivate func maximumPool(_ request: KernelRequest, _ op: Pool) throws -> (any Kernel)? {
    guard op.kind == .maximum, let x = image(request), let y = request.optionalResult(0),
      y.shape.rank == x.shape.rank, y.shape.dims[..<2] == x.shape.dims[..<2]
    else { return nil }
    return op.window == nil ? try globalMaximum(request, x) : try maximumPool(request, op, x, y.shape)
  }

  /// ONNX `ReduceMax` over the axes of an image in blocks; `nil` for others.
  fileprivate func maximum(_ request: KernelRequest, _ op: Reduce) throws -> (any Kernel)? {
    guard op.reduction == .maximum, let x = image(request), x.layout != .plain,
      reducedAxes(request, rank: x.shape.rank) == Array(2..<x.shape.rank)
    else { return nil }
    return try globalMaximum(request, x)
  }

  /// The operand, if it is an image that the plan does not know.
  private func image(_ request: KernelRequest) -> Operand? {
    guard let x = request.ownOperand(0), request.isAllFloat, (3...5).contains(x.shape.rank), !x.isWeight,
      x.immediate == nil, request.results.count == 1 || request.results.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    return x
  }

  private func maximumPool(_ request: KernelRequest, _ op: Pool, _ x: Operand, _ result: Shape) throws -> (
    any Kernel
  )? {
    let (input, output) = (Array(x.shape.dims[2...]), Array(result.dims[2...]))
    guard let size = op.window, !WidePoolProgram.suits(size, input: input, output: output),
      let window = Window(
        kernel: size, strides: op.strides, dilations: op.dilations, padding: op.padding, input: input,
        output: output), window.agreesWithLibrary(op, input: input, output: output),
      let image = try ImageLanes(x)
    else { return nil }
    var pool = image.pool
    for axis in input.indices {
      let place = 3 - input.count + axis
      pool.set(
        place, input: input[axis], output: output[axis], size: size[axis], stride: window.strides[axis],
        dilation: window.dilations[axis] + 1, before: window.before[axis])
    }
    let made = try image.layout(of: result)
    return MaximumPoolKernel(
      request, pool, x.layout, made, try libraryPool(request, op, x.layout, made),
      count: try floats(in: made, of: result, wherePaddingStays: true) ?? 0)
  }

  /// The library's kernel in these layouts, where the processor notes what is not a number; `nil` where there is none.
  private func libraryPool(_ request: KernelRequest, _ op: Pool, _ given: Layout, _ made: Layout) throws -> (
    any Kernel
  )? {
    guard fi_floats_note_invalid() != 0, let draft = try pool(request, op),
      let kernel = try primitive(draft, request), !kernel.isReference, kernel.operandLayouts[0] == given,
      kernel.resultLayouts[0] == made
    else { return nil }
    return kernel
  }

  private func globalMaximum(_ request: KernelRequest, _ x: Operand) throws -> (any Kernel)? {
    // The result is plain: channels in blocks are too, where none is padding.
    guard let image = try ImageLanes(x), image.isWhole else { return nil }
    var pool = image.pool
    pool.is_global = 1
    pool.set(2, input: x.shape.dims[2...].reduce(1, *), output: 1, size: 1, stride: 1, dilation: 1, before: 0)
    return MaximumPoolKernel(request, pool, x.layout, .plain, nil, count: 0)
  }
}

/// The layout of an image: planes of elements that are some channels each.
private struct ImageLanes {
  private enum Order { case plain, blocks, channelsLast }
  private let order: Order
  private let channels: Int
  private let lanes: Int
  private let planes: Int

  /// `nil` for another layout.
  init?(_ x: Operand) throws {
    let dims = x.shape.dims
    let view = TensorView(x.shape)
    channels = dims[1]
    if x.layout == .plain {
      (order, lanes, planes) = (.plain, 1, dims[0] * dims[1])
    } else if let blocks = try MemoryDescriptor.channelBlocks(dims), try Layout(blocks, of: view) == x.layout,
      let size = blocks.innerBlocks.sizes.first
    {
      (order, lanes, planes) = (.blocks, size, dims[0] * ((dims[1] + size - 1) / size))
    } else if try ImageLanes.channelsLast(x.shape) == x.layout {
      (order, lanes, planes) = (.channelsLast, dims[1], dims[0])
    } else {
      return nil
    }
  }

  /// True when no channel is padding.
  var isWhole: Bool { channels % lanes == 0 }

  /// A pool of such images, whose spatial axes have one element each.
  var pool: fi_pool {
    var pool = fi_pool()
    (pool.planes, pool.lanes) = (Int64(planes), Int64(lanes))
    for axis in 0..<3 { pool.set(axis, input: 1, output: 1, size: 1, stride: 1, dilation: 1, before: 0) }
    return pool
  }

  /// The layout of another image that lies so.
  func layout(of shape: Shape) throws -> Layout {
    switch order {
    case .plain: .plain
    case .blocks:
      try MemoryDescriptor.channelBlocks(shape.dims).flatMap { try Layout($0, of: TensorView(shape)) }
        ?? .plain
    case .channelsLast: try ImageLanes.channelsLast(shape) ?? .plain
    }
  }

  private static func channelsLast(_ shape: Shape) throws -> Layout? {
    let order = [0] + (2..<shape.rank) + [1]
    return try Layout(TensorView(shape.dims, order: order).descriptor(), of: TensorView(shape))
  }
}

extension fi_pool {
  /// One spatial axis; `place` counts to 3 from the outermost.
  fileprivate mutating func set(
    _ place: Int, input: Int, output: Int, size: Int, stride: Int, dilation: Int, before: Int
  ) {
    func put(_ value: Int, _ field: WritableKeyPath<fi_pool, (Int64, Int64, Int64)>) {
      switch place {
      case 0: self[keyPath: field].0 = Int64(value)
      case 1: self[keyPath: field].1 = Int64(value)
      default: self[keyPath: field].2 = Int64(value)
      }
    }
    put(input, \.input)
    put(output, \.output)
    put(size, \.size)
    put(stride, \.stride)
    put(dilation, \.dilation)
    put(before, \.before)
  }
}

/// The largest number in each place of a window. The library's kernel is right unless the processor met a NaN, or the result
/// holds the lowest finite number, which that kernel starts from: then the result is computed again by a loop of our own.
private final class MaximumPoolKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let footprint: Int
  let sharedParts: [SharedPart]
  private let pool: fi_pool
  private let kernel: (any Kernel)?
  /// The numbers of the result, padding included.
  private let count: Int

  init(
    _ request: KernelRequest, _ pool: fi_pool, _ given: Layout, _ made: Layout, _ kernel: (any Kernel)?,
    count: Int
  ) {
    operandLayouts = request.operands.indices.map { $0 == 0 ? given : .plain }
    resultLayouts = request.results.indices.map { $0 == 0 ? made : .plain }
    implementation = kernel?.implementation ?? "maximum of windows"
    scratchBytes = kernel?.scratchBytes ?? 0
    footprint = kernel?.footprint ?? 0
    sharedParts = kernel?.sharedParts ?? []
    self.pool = pool
    self.kernel = kernel
    self.count = count
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard let source = call.operands[0], let target = call.results[0] else {
      throw DeviceError(.invalidArgument, "no memory was given for the image or the result")
    }
    let host = try HostMemory.of(memory)
    // The plan gave both places the bytes of their layouts; device memory holds plain numbers alone.
    let (from, to) = (
      UnsafePointer(try host.pointer(source).assumingMemoryBound(to: Float.self)),
      try host.pointer(target).assumingMemoryBound(to: Float.self)
    )
    if let kernel {
      _ = fi_floats_take_invalid(0)
      try kernel.run(call, on: memory, threads: threads)
      if fi_elements_met_nan(Int32(clamping: threads), 0) == 0, fi_elements_have_lowest(to, count) == 0 {
        return
      }
    }
    withUnsafePointer(to: pool) { fi_pool_maximum($0, from, to, Int32(clamping: threads)) }
  }
}
