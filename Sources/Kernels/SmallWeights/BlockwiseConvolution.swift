import CDNNL
import CElements
import Device
import ModelGraph
import Tensors

extension OneDNNEngine {
  /// The library's convolution of blocks of channels, for some filters at a time, whose weights are widened to floats before; `nil`
  /// where it has none.
  func blockwiseConvolution(_ request: KernelRequest, _ op: SmallConvolution) throws -> (any Kernel)? {
    guard let cut = try FilterCut(request, op) else { return nil }
    let unary = request.postOps.prefix { if case .unary = $0 { true } else { false } }
    for isBlocked in [true, false] {
      guard let pieces = try pieces(cut, isBlocked: isBlocked, Array(unary), request) else { continue }
      let own = request.keeping(postOps: unary.count)
      let kernel = try BlockwiseConvolution(own, cut, pieces)
      return unary.count == request.postOps.count
        ? kernel : try chain(kernel, after: unary.count, request)
    }
    return nil
  }

  /// The kernels of the pieces of a convolution: all have one size but for the last.
  private func pieces(
    _ cut: FilterCut, isBlocked: Bool, _ postOps: [PostOpRequest], _ request: KernelRequest
  ) throws -> BlockwiseConvolution.Pieces? {
    guard let image = isBlocked ? try Layout.channelBlocks(of: cut.image) : .plain else { return nil }
    var kernels: [Int: any Kernel] = [:]
    var (areBlocked, arePlain) = (true, true)
    for count in Set([cut.most, cut.last]) {
      let shape = try cut.result(filters: count)
      guard let piece = try cut.request(request, filters: count, image: image, postOps),
        let kernel = try kernel(piece), !kernel.isReference, kernel.operandLayouts[0] == image,
        kernel.operandLayouts[1] == piece.operands[1]?.layout
      else { return nil }
      let layout = kernel.resultLayouts[0]
      if layout != .plain { arePlain = false }
      if try layout != Layout.channelBlocks(of: shape) { areBlocked = false }
      kernels[count] = kernel
    }
    guard areBlocked || arePlain,
      let wholeImage = isBlocked ? try Layout.channelBlocks(of: cut.whole) : .plain,
      let wholeResult = areBlocked ? try Layout.channelBlocks(of: cut.wholeResult) : .plain,
      let largest = try cut.weights(filters: cut.most)
    else { return nil }
    let single = try cut.result(filters: cut.filters)
    return BlockwiseConvolution.Pieces(
      kernels: kernels, imageLayout: wholeImage, resultLayout: wholeResult,
      imageBytes: try byteCount(of: .float32, cut.image, in: image),
      resultBytes: try byteCount(
        of: .float32, single, in: areBlocked ? Layout.channelBlocks(of: single) ?? .plain : .plain),
      weightBytes: try byteCount(of: .float32, largest.shape, in: largest.layout))
  }
}

/// A convolution in pieces of some filters and one image.
struct FilterCut: Sendable {
  let op: SmallConvolution
  let matrix: SmallMatrix
  /// The shapes of all images, and of one.
  let whole: Shape
  let image: Shape
  let wholeResult: Shape
  let taps: Int
  let channels: Int
  let lanes: Int
  /// The filters of each piece but the last, a multiple of 16, and of the last.
  let most: Int
  let last: Int

  var filters: Int { op.filters }

  /// The bytes of widened weights of a piece, about: they stay in a processor's own cache.
  private static let pieceBytes = 1 << 20

  /// - Returns: `nil` when the sizes do not suit the library.
  init?(_ request: KernelRequest, _ op: SmallConvolution) throws {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0), x.elementType == .float32,
      y.elementType == .float32, x.immediate == nil, (3...5).contains(x.shape.rank),
      y.shape.rank == x.shape.rank, op.kernel.count == x.shape.rank - 2, x.shape.elementCount > 0,
      y.shape.elementCount > 0, op.window.groups == 1, x.shape.dims[0] == y.shape.dims[0],
      y.shape.dims[1] == op.filters, let taps = op.taps,
      let tag = MemoryDescriptor.channelBlockTag(rank: x.shape.rank)
    else { return nil }
    self.op = op
    matrix = try SmallMatrix(request, columns: op.filters, block: .max)
    (whole, wholeResult, self.taps) = (x.shape, y.shape, taps)
    image = try Shape(checking: [1] + x.shape.dims.dropFirst())
    channels = x.shape.dims[1]
    lanes = [dnnl_aBc16b, dnnl_aBcd16b, dnnl_aBcde16b].contains { $0 == tag } ? 16 : 8
    guard matrix.depth / taps == channels, matrix.depth % taps == 0,
      SmallMatrix.instructions != FI_SMALL_AVX512 || lanes == 16
    else { return nil }
    // Bytes of a filter: no overflow, for the panels hold as many elements.
    let bytes = (channels + lanes - 1) / lanes * lanes * taps * 4
    let fitting = max(Self.pieceBytes / bytes / 16, 1) * 16
    most = min(fitting, op.filters)
    last = op.filters - (op.filters - 1) / most * most
  }

  func result(filters: Int) throws -> Shape {
    try Shape(checking: [1, filters] + wholeResult.dims.dropFirst(2))
  }

  /// The widened weights of so many filters.
  func weights(filters: Int) throws -> (shape: Shape, layout: Layout)? {
    let shape = try Shape(checking: [filters, channels] + op.kernel)
    let tags =
      lanes == 16
      ? [dnnl_ABc16b16a, dnnl_ABcd16b16a, dnnl_ABcde16b16a] : [dnnl_ABc8b8a, dnnl_ABcd8b8a, dnnl_ABcde8b8a]
    let descriptor = try MemoryDescriptor(shape.dims, tag: tags[op.kernel.count - 1])
    guard let layout = try Layout(packing: descriptor, of: TensorView(shape), .none) else { return nil }
    return (shape, layout)
  }

  /// The request for a piece: one image, and so many filters, whose weights are floats.
  func request(
    _ request: KernelRequest, filters: Int, image layout: Layout, _ postOps: [PostOpRequest]
  ) throws -> KernelRequest? {
    guard let weights = try weights(filters: filters) else { return nil }
    var operands: [Operand?] = [
      Operand(elementType: .float32, shape: image, layout: layout),
      Operand(elementType: .float32, shape: weights.shape, layout: weights.layout, source: .weight),
    ]
    if var bias = request.ownOperand(3) {
      if bias.immediate == nil {
        bias = Operand(elementType: .float32, shape: try Shape(checking: [filters]), source: .weight)
      } else if filters != op.filters {
        return nil
      }
      operands.append(bias)
    }
    return KernelRequest(
      model: request.model, node: request.node, op: .convolution(op.window), postOps: postOps,
      operands: operands, results: [.init(.float32, try result(filters: filters))], threads: request.threads)
  }
}

/// For each piece of filters: widens their weights, then convolves image after image.
final class BlockwiseConvolution: Kernel {
  /// The kernels by number of filters, and where their operands are.
  struct Pieces {
    var kernels: [Int: any Kernel]
    var imageLayout: Layout
    var resultLayout: Layout
    /// Bytes of one image and of its result.
    var imageBytes: Int
    var resultBytes: Int
    var weightBytes: Int
  }

  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let footprint: Int
  let sharedParts: [SharedPart]
  private let request: KernelRequest
  private let cut: FilterCut
  private let pieces: Pieces
  private let hasBias: Bool
  private let scale: TensorBuffer?
  private let scratchOffset: Int
  private let instructions = SmallMatrix.instructions

  init(_ request: KernelRequest, _ cut: FilterCut, _ pieces: Pieces) throws {
    guard request.ownOperand(1)?.immediate == nil else {
      throw request.invalid("the weights of a convolution are in memory")
    }
    let kernels = Array(pieces.kernels.values)
    implementation = "small weights, \(kernels.first?.implementation ?? "")"
    var layouts = request.operands.map { _ in Layout.plain }
    layouts[0] = pieces.imageLayout
    operandLayouts = layouts
    resultLayouts = [pieces.resultLayout]
    scratchOffset = aligned(pieces.weightBytes)
    scratchBytes = scratchOffset + (kernels.map(\.scratchBytes).max() ?? 0)
    scale = try request.ownOperand(2)?.immediate.map { tensor in
      try TensorBuffer(byteCount: tensor.byteCount) { bytes in
        tensor.withUnsafeBytes { bytes.copyMemory(from: $0) }
      }
    }
    footprint = kernels.reduce(512 + (scale?.bytes.count ?? 0)) { $0 + $1.footprint }
    sharedParts = kernels.flatMap(\.sharedParts)
    hasBias = request.ownOperand(3) != nil
    self.request = request.withoutElements
    self.cut = cut
    self.pieces = pieces
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard request.threads.contains(threads), call.operands.count == request.operands.count,
      let image = call.operands[0], let result = call.results.first ?? nil, let scratch = call.scratch
    else { throw DeviceError(.invalidArgument, "was called without its memory", in: request) }
    let host = try HostMemory.of(memory)
    let operands = try call.operands.map { try $0.map { UnsafeRawPointer(try host.pointer($0)) } }
    let frame = Frame(
      operands: operands.enumerated().map { $0 == 2 ? scale?.bytes.baseAddress ?? $1 : $1 }, results: [],
      scratch: try host.pointer(scratch))
    var expansion = fi_small_expansion()
    expansion.matrix = try cut.matrix.raw(frame)
    (expansion.taps, expansion.channels) = (Int64(cut.taps), Int64(cut.channels))
    expansion.lanes = Int64(cut.lanes)
    expansion.to = try frame.scratch(as: Float.self)
    let plane = cut.wholeResult.dims.dropFirst(2).reduce(1, *) * MemoryLayout<Float>.size
    for first in stride(from: 0, to: cut.filters, by: cut.most) {
      let count = min(cut.most, cut.filters - first)
      guard let kernel = pieces.kernels[count] else { continue }
      expansion.first = Int64(first)
      expansion.count = Int64((count + cut.lanes - 1) / cut.lanes * cut.lanes)
      fi_small_expand(&expansion, instructions, Int32(clamping: threads))
      var places: [Location?] = [image, scratch]
      if hasBias { places.append(call.operands[3].map { $0.moved(by: first * MemoryLayout<Float>.size) }) }
      for number in 0..<cut.whole.dims[0] {
        places[0] = image.moved(by: number * pieces.imageBytes)
        try kernel.run(
          KernelCall(
            operands: places, results: [result.moved(by: number * pieces.resultBytes + first * plane)],
            scratch: kernel.scratchBytes > 0 ? scratch.moved(by: scratchOffset) : nil),
          on: memory, threads: threads)
      }
    }
  }
}

extension Location {
  fileprivate func moved(by bytes: Int) -> Location { Location(slot: slot, offset: offset + bytes) }
}
