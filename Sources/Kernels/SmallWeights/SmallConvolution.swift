import CElements
import Device
import ModelGraph
import Tensors

extension SmallConvolution: PortableOperator, ComposedOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    SmallMatrix.suits(request) ? try computation(request)?.program : nil
  }

  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard SmallMatrix.suits(request), !request.isEmpty else { return nil }
    if let kernel = try engine.blockwiseConvolution(request, self) { return kernel }
    let own = request.keeping(postOps: 0)
    guard let computation = try computation(own) else { return nil }
    return try engine.chain(SmallWeightsKernel(own, computation), of: request)
  }

  /// The convolution as a product of the places that the window takes: for images and windows that the library's kernels do not
  /// suit.
  private func computation(_ request: KernelRequest) throws -> SmallComputation? {
    let matrix = try SmallMatrix(request, columns: filters, block: .max)
    let (x, y) = (try request.operand(0), try request.result(0))
    let (from, to) = (x.shape.dims, y.shape.dims)
    try request.require(
      x.elementType == .float32 && y.elementType == .float32 && from.count == kernel.count + 2
        && to.count == from.count && (1...3).contains(kernel.count) && window.groups == 1,
      "an image and a window of its axes are needed")
    try request.require(
      to[0] == from[0] && to[1] == filters
        && taps.flatMap { $0.multipliedReportingOverflow(by: from[1]) }.map {
          !$0.overflow && $0.partialValue == matrix.depth
        } ?? false,
      "channels, filters and weights do not fit together")
    guard
      let window = Window(
        kernel: kernel, strides: window.strides, dilations: window.dilations, padding: window.padding,
        input: Array(from[2...]), output: Array(to[2...]))
    else { return nil }
    var shape = fi_small_convolution()
    (shape.images, shape.channels) = (Int64(from[0]), Int64(from[1]))
    shape.input = axes(Array(from[2...]), missing: 1)
    shape.output = axes(Array(to[2...]), missing: 1)
    shape.size = axes(kernel, missing: 1)
    shape.stride = axes(window.strides, missing: 1)
    shape.dilation = axes(window.dilations.map { $0 + 1 }, missing: 1)
    shape.before = axes(window.before, missing: 0)
    (shape.matrix.depth, shape.matrix.columns) = (Int64(matrix.depth), Int64(filters))
    let (sizes, instructions) = (SmallImage(raw: shape), SmallMatrix.instructions)
    return SmallComputation(
      name: "small weights, convolution",
      scratchBytes: { threads in
        withUnsafePointer(to: sizes.raw) { Int(fi_small_convolution_scratch($0, Int32(clamping: threads))) }
      }
    ) { frame, threads in
      var call = sizes.raw
      call.matrix = try matrix.raw(frame)
      call.source = try frame.operand(0, as: Float.self)
      call.bias = frame.optional(3, as: Float.self)
      call.result = try frame.result(0, as: Float.self)
      fi_small_convolution_run(
        &call, try frame.scratch(as: UInt8.self), instructions, Int32(clamping: threads))
    }
  }

  /// Up to three sizes, those of missing axes in front.
  private func axes(_ sizes: [Int], missing: Int) -> (Int64, Int64, Int64) {
    let all = (Array(repeating: missing, count: 3 - sizes.count) + sizes).map { Int64($0) }
    return (all[0], all[1], all[2])
  }
}

/// The sizes of a convolution.
///
/// @unchecked Sendable: the pointers are empty until a call fills its own copy.
private struct SmallImage: @unchecked Sendable {
  let raw: fi_small_convolution
}
