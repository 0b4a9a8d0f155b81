import Device
import ModelGraph
import Tensors

extension Convolution: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ConvolutionProgram.build(self, request) }
}

/// ONNX `Conv`: x, w, bias (optional). For what the kernel library refuses: other types, odd paddings.
enum ConvolutionProgram {
  static func build(_ convolution: Convolution, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let (x, w, y) = (
      try request.operand(0).shape.dims, try request.operand(1).shape.dims, try request.result(0).shape.dims
    )
    let groups = convolution.groups
    try request.require(
      x.count >= 2 && w.count == x.count && y.count == x.count && groups > 0,
      "an image and kernels are needed")
    try request.require(
      w[0] % groups == 0 && y[0] == x[0] && y[1] == w[0]
        && x[1] == groups.multipliedReportingOverflow(by: w[1]).0,
      "channels, kernels and groups do not fit together")
    try requireBias(request, w[0])
    guard
      let axes = try request.window(
        Array(x[2...]), Array(y[2...]), size: Array(w[2...]), strides: convolution.strides,
        dilations: convolution.dilations, padding: convolution.padding)
    else { return nil }
    for axis in axes {
      let span = axis.input + axis.before + axis.after - (axis.size - 1) * axis.dilation - 1
      try request.require(
        axis.output == max(0, span >= 0 ? span / axis.stride + 1 : 0), "the result's image has another size")
    }
    let (images, channels, kernels) = (x[0], w[1], w[0])
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "convolution", isReference: true) { frame in
        let (source, weights) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
        let (bias, target) = (frame.optional(2, as: type), try frame.result(0, as: type))
        let input = axes.reduce(1) { $0 * $1.input }
        let output = axes.reduce(1) { $0 * $1.output }
        let taps = axes.reduce(1) { $0 * $1.size }
        for image in 0..<images {
          for kernel in 0..<kernels {
            let plane = target + (image &* kernels &+ kernel) &* output
            plane.update(repeating: bias?[kernel] ?? 0, count: output)
            let group = kernel / (kernels / groups)
            for channel in 0..<channels {
              let from = (image &* groups &+ group) &* channels &+ channel
              accumulate(
                source + from &* input, weights + (kernel &* channels &+ channel) &* taps, plane, axes)
            }
          }
        }
      }
    }
    return try request.result(0).elementType == .float64 ? program(Double.self) : program(Float.self)
  }

  /// Checks an optional bias of one number a channel.
  static func requireBias(_ request: KernelRequest, _ channels: Int) throws {
    guard let bias = request.optionalOperand(2) else { return }
    try request.require(bias.shape.elementCount == channels, "the bias should be one number a channel")
  }

  /// Adds one channel, weighted by one kernel, to a plane: tap by tap, so that rows are added to rows.
  private static func accumulate<Element: Real>(
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
          // In bounds: the ranges are those where the tap lies inside the image.
          let columns = column.outputs(tap: columnTap)
          let start = column.start(columns.lowerBound) &+ columnTap &* column.dilation
          for z in depth.outputs(tap: depthTap) {
            let slab = (depth.start(z) &+ depthTap &* depth.dilation) &* row.input
            for y in row.outputs(tap: rowTap) {
              let line = (slab &+ row.start(y) &+ rowTap &* row.dilation) &* column.input
              let from = image + (line &+ start)
              let to = plane + ((z &* row.output &+ y) &* column.output &+ columns.lowerBound)
              addScaled(from, column.stride, to, 1, columns.count, weight)
            }
          }
        }
      }
    }
  }
}

/// `to[i · toStep] += factor · from[i · fromStep]`.
@inline(__always)
func addScaled<Element: Real>(
  _ from: UnsafePointer<Element>, _ fromStep: Int, _ to: UnsafeMutablePointer<Element>, _ toStep: Int,
  _ count: Int, _ factor: Element
) {
  var index = 0
  if fromStep == 1, toStep == 1 {
    while index < count {
      to[index] += factor * from[index]
      index &+= 1
    }
  } else {
    while index < count {
      to[index &* toStep] += factor * from[index &* fromStep]
      index &+= 1
    }
  }
}
