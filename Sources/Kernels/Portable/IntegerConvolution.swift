import CElements
import Device
import ModelGraph
import Tensors

extension IntegerConvolution: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try IntegerConvolutionProgram.build(self, request)
  }
}

/// A convolution of 8-bit integers, exact on every machine: some places of the image at a time are laid out as rows, which are
/// multiplied by the filters.
enum IntegerConvolutionProgram {
  /// Elements of the rows that are laid out at a time, unless one row is longer.
  private static let patchElements = 1 << 15
  private static let largestPatch = 64

  static func build(_ convolution: IntegerConvolution, _ request: KernelRequest) throws -> Program? {
    let (x, w, y) = (
      try request.operand(0).shape.dims, try request.operand(1).shape.dims, try request.result(0).shape.dims
    )
    let groups = convolution.window.groups
    try request.require(
      x.count >= 3 && w.count == x.count && y.count == x.count && groups > 0,
      "an image and kernels are needed")
    try request.require(
      w[0] % groups == 0 && y[0] == x[0] && y[1] == w[0]
        && x[1] == groups.multipliedReportingOverflow(by: w[1]).0,
      "channels, kernels and groups do not fit together")
    guard
      let axes = try request.window(
        Array(x[2...]), Array(y[2...]), size: Array(w[2...]), strides: convolution.window.strides,
        dilations: convolution.window.dilations, padding: convolution.window.padding)
    else { return nil }
    for axis in axes {
      let span = axis.input + axis.before + axis.after - (axis.size - 1) * axis.dilation - 1
      try request.require(
        axis.output == max(0, span >= 0 ? span / axis.stride + 1 : 0), "the result's image has another size")
    }
    for index in 2..<4 {
      let count = request.optionalOperand(index)?.shape.elementCount ?? 1
      try request.require(count == 1 || index == 3 && count == w[0], "a zero point has \(count) elements")
    }
    let image = try WideOperand(
      request, operand: 0, zero: 2, strides: denseStrides(x), zeroStrides: x.map { _ in 0 })
    let perFilter = request.optionalOperand(3).map { $0.shape.elementCount > 1 } ?? false
    let filters = try WideOperand(
      request, operand: 1, zero: 3, strides: denseStrides(w),
      zeroStrides: w.indices.map { $0 == 0 && perFilter ? 1 : 0 })
    let patches = Patches(axes: axes, channels: w[1])
    let (images, kernels, output) = (x[0], w[0] / groups, patches.output)
    let epilogue = try ProductEpilogue(
      request, convolution.result, outer: images, channels: w[0], inner: output)
    let depth = patches.depth
    let block = min(largestPatch, max(1, patchElements / max(depth, 1)), max(output, 1))
    let patchAt = image.scratchBytes + filters.scratchBytes
    let sumsAt = patchAt + alignedScratch(block * depth * 2)
    var program = Program(name: "integer convolution", isReference: true) { frame in
      let source = try frame.scratch(as: Int16.self)
      let weights = try frame.scratch(at: image.scratchBytes, as: Int16.self)
      let patch = try frame.scratch(at: patchAt, as: Int16.self)
      let sums =
        try epilogue.isInPlace
        ? frame.result(0, as: Int32.self) : frame.scratch(at: sumsAt, as: Int32.self)
      try image.fill(frame, source)
      try filters.fill(frame, weights)
      for group in 0..<images &* groups {
        let planes = source + group &* patches.input
        let own = weights + (group % groups) &* kernels &* depth
        let target = sums + group &* kernels &* output
        var first = 0
        while first < output {
          let count = min(block, output &- first)
          patches.fill(patch, planes, first..<first &+ count)
          for kernel in 0..<kernels {
            fi_integer_products(
              own + kernel &* depth, patch, Int64(count), Int64(depth), target + (kernel &* output &+ first))
          }
          first &+= count
        }
      }
      try epilogue.run(frame, sums)
    }
    program.scratchBytes =
      sumsAt + (epilogue.isInPlace ? 0 : alignedScratch(try request.result(0).shape.elementCount * 4))
    return program
  }
}

/// The elements of an image under a window, place by place.
private struct Patches: Sendable {
  let axes: [WindowAxis]
  let channels: Int
  /// Elements of the image's channels, of a patch, and places of the window.
  let input: Int
  let depth: Int
  let output: Int

  init(axes: [WindowAxis], channels: Int) {
    self.axes = axes
    self.channels = channels
    input = axes.reduce(channels) { $0 * $1.input }
    depth = axes.reduce(channels) { $0 * $1.size }
    output = axes.reduce(1) { $0 * $1.output }
  }

  /// Lays out the patches of some places, one behind the other. Padding is 0.
  func fill(_ target: UnsafeMutablePointer<Int16>, _ image: UnsafePointer<Int16>, _ places: Range<Int>) {
    target.update(repeating: 0, count: places.count &* depth)
    let (deep, row, column) = (axes[0], axes[1], axes[2])
    let plane = deep.input &* row.input &* column.input
    var patch = target
    for place in places {
      let across = place % column.output
      let down = place / column.output % row.output
      let slab = place / column.output / row.output
      let (slabs, rows, columns) = (deep.taps(slab), row.taps(down), column.taps(across))
      let start = column.start(across)
      for channel in 0..<channels {
        for z in slabs {
          let depthAt = deep.start(slab) &+ z &* deep.dilation
          for y in rows {
            let rowAt = row.start(down) &+ y &* row.dilation
            let line = image + (channel &* plane &+ (depthAt &* row.input &+ rowAt) &* column.input)
            let to = patch + ((channel &* deep.size &+ z) &* row.size &+ y) &* column.size
            // In bounds: the taps are those inside the image.
            for x in columns { to[x] = line[start &+ x &* column.dilation] }
          }
        }
      }
      patch += depth
    }
  }
}
