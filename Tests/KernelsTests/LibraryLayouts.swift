import Device
import Kernels
import ModelGraph
import Tensors

/// The layouts, other than plain, that the library's convolutions give to an image of this shape.
func libraryLayouts(of shape: Shape, on device: CPUDevice) throws -> [Layout] {
  guard (3...5).contains(shape.rank), shape.elementCount > 0 else { return [] }
  var layouts: [Layout] = []
  for channels in [3, 64] {
    let spatial = shape.rank - 2
    let ones = Array(repeating: 1, count: spatial)
    let image = try Shape(checking: [shape.dims[0], channels] + shape.dims[2...])
    let weights = try Shape(checking: [shape.dims[1], channels] + ones.map { _ in 3 })
    let request = KernelRequest(
      model: "test", node: "layouts",
      op: .convolution(
        Convolution(strides: ones, dilations: ones, padding: .explicit(ones + ones), groups: 1)),
      operands: [
        Operand(elementType: .float32, shape: image), Operand(elementType: .float32, shape: weights),
      ], results: [.init(.float32, shape)])
    let layout = try device.makeKernel(request).resultLayouts[0]
    if layout != .plain, !layouts.contains(layout) { layouts.append(layout) }
  }
  return layouts
}

/// Numbers between −1 and 1 that are the same for a seed.
func noise(_ dims: [Int], seed: UInt64) throws -> Tensor {
  let shape = try Shape(checking: dims)
  var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
  return try Tensor(
    (0..<shape.elementCount).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
    }, shape: shape)
}

/// The request with its weights' layouts as the device wants them packed.
func packed(_ request: KernelRequest, on device: CPUDevice) throws -> KernelRequest {
  var packed = request
  for (index, layout) in try device.packing(for: request).enumerated() {
    if let layout { packed.operands[index]?.layout = layout }
  }
  return packed
}

/// The tensor's bytes in that layout.
func packedBytes(_ tensor: Tensor, as layout: Layout, on device: any Device) throws -> [UInt8] {
  let buffer = try device.pack(tensor, as: layout)
  return withExtendedLifetime(buffer) { Array(buffer.bytes) }
}

/// A convolution of an image with weights that are packed.
struct ConvolutionCase: CustomStringConvertible {
  var batch = 1
  var input: Int
  var output: Int
  var size: Int
  var kernel: Int
  var stride = 1
  var groups = 1
  var hasBias = true

  var description: String {
    "\(batch)x\(input)x\(size)x\(size) -> \(output), \(kernel)x\(kernel)/\(stride), \(groups) groups"
  }

  var resultSize: Int { (size + 2 * (kernel / 2) - kernel) / stride + 1 }
  var imageDims: [Int] { [batch, input, size, size] }
  var weightDims: [Int] { [output, input / groups, kernel, kernel] }
  var resultDims: [Int] { [batch, output, resultSize, resultSize] }

  func tensors(seed: UInt64 = 1) throws -> [Tensor?] {
    [
      try noise(imageDims, seed: seed), try noise(weightDims, seed: seed + 1),
      hasBias ? try noise([output], seed: seed + 2) : nil,
    ]
  }

  /// - Parameter extra: operands of post-ops.
  func request(
    _ postOps: [PostOpRequest] = [], extra: [Operand] = [], image: Layout = .plain, threads: [Int] = [1]
  ) throws -> KernelRequest {
    let pads = Array(repeating: kernel / 2, count: 4)
    return KernelRequest(
      model: "test", node: "\(self)",
      op: .convolution(
        Convolution(
          strides: [stride, stride], dilations: [1, 1], padding: .explicit(pads), groups: groups)),
      postOps: postOps,
      operands: [
        Operand(elementType: .float32, shape: try Shape(checking: imageDims), layout: image),
        Operand(elementType: .float32, shape: try Shape(checking: weightDims), source: .weight),
        hasBias ? Operand(elementType: .float32, shape: try Shape(checking: [output]), source: .weight) : nil,
      ] + extra, ownOperandCount: 3, results: [.init(.float32, try Shape(checking: resultDims))],
      threads: threads)
  }
}
