import CDNNL
import CWinograd
import Device
import ModelGraph
import Tensors

extension Convolution: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.winograd(request, self) ?? engine.drafted(request)
  }
}

extension OneDNNEngine {
  /// A large 3×3 convolution by Winograd's algorithm, which oneDNN 3.2 does not have for x86; `nil` for others.
  ///
  /// It takes the image and the weights in the layouts of the library's direct convolution for AVX-512, and leaves its
  /// result in that layout too, so that it can stand wherever that would.
  fileprivate func winograd(_ request: KernelRequest, _ op: Convolution) throws -> (any Kernel)? {
    guard fi_winograd_is_compiled() != 0, MemoryDescriptor.channelBlockTag(rank: 4) == dnnl_aBcd16b,
      request.isAllFloat, let x = request.ownOperand(0), let w = request.ownOperand(1), w.isWeight,
      let y = request.optionalResult(0), y.elementType == .float32,
      let shape = WinogradShape(op, image: x.shape, weights: w.shape, result: y.shape),
      shape.isWorthwhile(threads: request.threads),
      let image = try Layout.channelBlocks(of: x.shape), x.layout == image,
      let result = try Layout.channelBlocks(of: y.shape), let packed = try Layout.directWeights(of: w.shape),
      w.layout == packed
    else { return nil }
    var layouts = request.operands.map { _ in Layout.plain }
    layouts[0] = image
    layouts[1] = packed
    if let bias = request.ownOperand(2) {
      guard bias.layout == .plain, bias.shape.dims == [w.shape.dims[0]] else { return nil }
    }
    let tail = WinogradTail(request)
    if let addend = tail.addend { layouts[addend] = result }
    let kernel = WinogradKernel(request, shape, tail, operandLayouts: layouts, resultLayout: result)
    return tail.count == request.postOps.count ? kernel : try chain(kernel, after: tail.count, request)
  }
}

/// F(4×4, 3×3) on blocks of channels.
private final class WinogradKernel: Kernel {
  let implementation = "winograd 4x4:avx512_core"
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let inPlaceOperands: [Int]
  let footprint: Int
  private let request: KernelRequest
  private let shape: WinogradShape
  private let tail: WinogradTail
  private let hasBias: Bool
  /// The bias where the plan knows it.
  private let bias: Tensor?

  init(
    _ request: KernelRequest, _ shape: WinogradShape, _ tail: WinogradTail, operandLayouts: [Layout],
    resultLayout: Layout
  ) {
    self.request = request.withoutElements
    self.shape = shape
    self.tail = tail
    self.operandLayouts = operandLayouts
    resultLayouts = [resultLayout]
    scratchBytes = request.threads.map(shape.scratchBytes).max() ?? 0
    inPlaceOperands = tail.addend.map { [$0] } ?? []
    hasBias = request.ownOperand(2) != nil
    bias = request.ownOperand(2)?.immediate
    footprint = bias?.byteCount ?? 0
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard request.threads.contains(threads) else {
      throw DeviceError(.invalidArgument, "was not made for \(threads) threads", in: request)
    }
    let host = try HostMemory.of(memory)
    func numbers(_ location: Location?) throws -> UnsafeMutablePointer<Float> {
      guard let location else {
        throw DeviceError(.invalidArgument, "no memory was given for an operand or the result", in: request)
      }
      // The plan gave each place the bytes of its layout, which the shape was checked against; nothing else is bound there.
      return try host.pointer(location).assumingMemoryBound(to: Float.self)
    }
    var places = fi_winograd_memory()
    places.source = UnsafePointer(try numbers(call.operands[0]))
    places.weights = UnsafePointer(try numbers(call.operands[1]))
    places.result = try numbers(call.results[0])
    places.scratch = try numbers(call.scratch)
    if let addend = tail.addend { places.addend = UnsafePointer(try numbers(call.operands[addend])) }
    guard let bias else {
      if hasBias { places.bias = UnsafePointer(try numbers(call.operands[2])) }
      return convolve(places, threads)
    }
    // As many numbers as the result has channels, which was checked when the kernel was made; used inside of the call alone.
    bias.withUnsafeBytes { bytes in
      places.bias = bytes.baseAddress?.assumingMemoryBound(to: Float.self)
      convolve(places, threads)
    }
  }

  private func convolve(_ places: fi_winograd_memory, _ threads: Int) {
    withUnsafePointer(to: shape.raw) { shape in
      withUnsafePointer(to: places) { fi_winograd_run(shape, $0, tail.raw, Int32(threads)) }
    }
  }
}

extension Layout {
  /// The layout of an image in blocks of channels.
  static func channelBlocks(of shape: Shape) throws -> Layout? {
    guard let blocks = try MemoryDescriptor.channelBlocks(shape.dims) else { return nil }
    return try Layout(blocks, of: TensorView(shape))
  }

  /// The layout of the weights of the library's direct convolution of blocks of channels.
  fileprivate static func directWeights(of shape: Shape) throws -> Layout? {
    try Layout(
      packing: MemoryDescriptor(shape.dims, tag: dnnl_ABcd16b16a), of: TensorView(shape), .none)
  }
}
