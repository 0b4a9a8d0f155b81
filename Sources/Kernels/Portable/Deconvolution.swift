import Device
import ModelGraph
import Tensors

extension Deconvolution: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try DeconvolutionProgram.build(self, request) }
}

/// ONNX `ConvTranspose`: x, w, bias (optional). The window slides over the result.
enum DeconvolutionProgram {
  static func build(_ deconvolution: Deconvolution, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let (x, w, y) = (
      try request.operand(0).shape.dims, try request.operand(1).shape.dims, try request.result(0).shape.dims
    )
    let groups = deconvolution.window.groups
    try request.require(
      x.count >= 2 && w.count == x.count && y.count == x.count && groups > 0,
      "an image and kernels are needed")
    try request.require(
      x[1] % groups == 0 && w[0] == x[1] && y[0] == x[0]
        && y[1] == groups.multipliedReportingOverflow(by: w[1]).partialValue,
      "channels, kernels and groups do not fit together")
    try ConvolutionProgram.requireBias(request, y[1])
    guard let axes = try axes(deconvolution, x, w, y, request) else { return nil }
    let (images, channels, kernels) = (x[0], x[1] / groups, w[1])
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "deconvolution", isReference: true) { frame in
        let (source, weights) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
        let (bias, target) = (frame.optional(2, as: type), try frame.result(0, as: type))
        // The axes' input is the result, their output the operand.
        let input = axes.reduce(1) { $0 * $1.output }
        let output = axes.reduce(1) { $0 * $1.input }
        let taps = axes.reduce(1) { $0 * $1.size }
        for image in 0..<images {
          for result in 0..<groups * kernels {
            let plane = target + (image &* groups &* kernels &+ result) &* output
            plane.update(repeating: bias?[result] ?? 0, count: output)
            for member in 0..<channels {
              let channel = result / kernels &* channels &+ member
              scatter(
                source + (image &* groups &* channels &+ channel) &* input,
                weights + (channel &* kernels &+ result % kernels) &* taps, plane, axes)
            }
          }
        }
      }
    }
    return try request.result(0).elementType == .float64 ? program(Double.self) : program(Float.self)
  }

  private static func axes(
    _ deconvolution: Deconvolution, _ x: [Int], _ w: [Int], _ y: [Int], _ request: KernelRequest
  ) throws -> [WindowAxis]? {
    let window = deconvolution.window
    var padding = window.padding
    if deconvolution.outputShape != nil || padding == .sameUpper || padding == .sameLower {
      // Sizes are given: what is too much is cut off, half of it at either end.
      guard
        let uncut = try request.window(
          Array(y[2...]), Array(x[2...]), size: Array(w[2...]), strides: window.strides,
          dilations: window.dilations, padding: .explicit([]))
      else { return nil }
      let extra = deconvolution.outputPadding
      let excess = uncut.suffix(x.count - 2).enumerated().map { index, axis in
        let full = (axis.output - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1
        return max(
          0, full + (extra.indices.contains(index) ? min(max(extra[index], 0), 1 << 28) : 0) - axis.input)
      }
      let halves = excess.map { $0 / 2 }
      let others = zip(excess, halves).map { $0 - $1 }
      padding = .explicit(padding == .sameUpper ? halves + others : others + halves)
    }
    return try request.window(
      Array(y[2...]), Array(x[2...]), size: Array(w[2...]), strides: window.strides,
      dilations: window.dilations, padding: padding)
  }

  /// Adds one channel of the operand, spread by one kernel, to a plane of the result.
  private static func scatter<Element: Real>(
    _ image: UnsafePointer<Element>, _ kernel: UnsafePointer<Element>, _ plane: UnsafeMutablePointer<Element>,
    _ axes: [WindowAxis]
  ) {
    let (depth, row, column) = (axes[0], axes[1], axes[2])
    var tap = kernel
    for depthTap in 0..<depth.size {
      for rowTap in 0..<row.size {
        for columnTap in 0..<column.size {
          let weight = tap.pointee
          tap += 1
          // In bounds: the ranges are those where the tap lies inside the result.
          let columns = column.outputs(tap: columnTap)
          let start = column.start(columns.lowerBound) &+ columnTap &* column.dilation
          for z in depth.outputs(tap: depthTap) {
            let slab = (depth.start(z) &+ depthTap &* depth.dilation) &* row.input
            for y in row.outputs(tap: rowTap) {
              let line = (slab &+ row.start(y) &+ rowTap &* row.dilation) &* column.input
              let from = image + ((z &* row.output &+ y) &* column.output &+ columns.lowerBound)
              addScaled(from, 1, plane + (line &+ start), column.stride, columns.count, weight)
            }
          }
        }
      }
    }
  }
}
