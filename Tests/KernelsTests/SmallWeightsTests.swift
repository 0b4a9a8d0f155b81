import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Products and convolutions with small weights give what the operators of floats give with the same weights widened.
@Suite struct SmallWeightsTests {
  static let weightForms: [WeightForm] = [.int8, .bfloat16, .float16]

  /// Rows, depth and columns: rows that meet weights as they are read and rows that meet tiles, columns that fill no panel, depths
  /// that fill no block and no tile.
  static let productSizes = [
    [1, 300, 70], [3, 129, 33], [5, 1000, 16], [12, 257, 100], [13, 513, 65], [97, 600, 48],
  ]

  @Test(arguments: weightForms, productSizes) func productsAreThoseOfFloats(form: WeightForm, sizes: [Int])
    throws
  {
    let (rows, depth, columns) = (sizes[0], sizes[1], sizes[2])
    let weights = try uniform([depth, columns], seed: 1)
    let (small, wide) = try smallForm(of: weights, form, depth: depth, columns: columns, block: 128)
    let x = try uniform([rows, depth], seed: 2)
    let bias = try uniform([columns], seed: 3)
    let expected = try run(
      .matrixMultiply(MatrixMultiply()), [x, wide, bias], [rows, columns], weights: 1...2)
    for threads in [1, 2] {
      let found = try run(
        .smallProduct(SmallProduct(columns: columns, block: min(depth, 128))),
        [x, small.weights, small.scale, bias], [rows, columns], weights: 1...3, postOps: [], threads: threads)
      #expect(difference(found, expected) == nil, "\(form), \(sizes), \(threads) threads")
    }
  }

  struct Image: Sendable, CustomTestStringConvertible {
    var image: [Int]
    var kernel: [Int]
    var filters: Int
    var strides: [Int]
    var dilations: [Int]
    var pads: [Int]
    var testDescription: String { "\(image), \(kernel) -> \(filters)" }
  }

  /// Whole blocks of channels and others, several pieces of filters, several images, one to three axes.
  static let images = [
    Image(
      image: [1, 64, 14, 14], kernel: [3, 3], filters: 64, strides: [1, 1], dilations: [1, 1],
      pads: [1, 1, 1, 1]),
    Image(
      image: [2, 256, 9, 7], kernel: [3, 3], filters: 200, strides: [2, 1], dilations: [1, 1],
      pads: [1, 0, 1, 0]),
    Image(
      image: [1, 40, 11, 12], kernel: [3, 2], filters: 72, strides: [1, 2], dilations: [2, 1],
      pads: [2, 0, 2, 1]),
    Image(
      image: [3, 130, 8, 8], kernel: [1, 1], filters: 150, strides: [1, 1], dilations: [1, 1],
      pads: [0, 0, 0, 0]),
    Image(
      image: [1, 3, 32, 32], kernel: [16, 16], filters: 48, strides: [16, 16], dilations: [1, 1],
      pads: [0, 0, 0, 0]),
    Image(image: [1, 96, 50], kernel: [5], filters: 40, strides: [1], dilations: [1], pads: [2, 2]),
    Image(
      image: [1, 32, 5, 6, 7], kernel: [2, 3, 3], filters: 32, strides: [1, 1, 1], dilations: [1, 1, 1],
      pads: [0, 1, 1, 0, 1, 1]),
    Image(
      image: [1, 512, 1, 1], kernel: [1, 1], filters: 96, strides: [1, 1], dilations: [1, 1],
      pads: [0, 0, 0, 0]),
  ]

  @Test(arguments: weightForms, images) func convolutionsAreThoseOfFloats(form: WeightForm, image: Image)
    throws
  {
    let window = Convolution(
      strides: image.strides, dilations: image.dilations, padding: .explicit(image.pads), groups: 1)
    let axes = image.kernel.count
    let output = (0..<axes).map { axis in
      let reach = (image.kernel[axis] - 1) * image.dilations[axis] + 1
      return (image.image[axis + 2] + image.pads[axis] + image.pads[axis + axes] - reach)
        / image.strides[axis] + 1
    }
    let taps = image.kernel.reduce(1, *)
    let depth = taps * image.image[1]
    let matrix = try uniform([depth, image.filters], seed: 4)
    let (packed, wide) = try smallForm(of: matrix, form, depth: depth, columns: image.filters, block: depth)
    // [taps, channels, filters] to [filters, channels, taps].
    let numbers = try #require(wide.floats)
    let channels = image.image[1]
    let reordered = (0..<image.filters * depth).map { index in
      let (filter, channel, tap) = (index / depth, index / taps % channels, index % taps)
      return numbers[(tap * channels + channel) * image.filters + filter]
    }
    let weights = try Tensor(reordered, shape: Shape(checking: [image.filters, channels] + image.kernel))
    let x = try uniform(image.image, seed: 5)
    let bias = try uniform([image.filters], seed: 6)
    let result = [image.image[0], image.filters] + output
    let residual = try uniform(result, seed: 7)
    for hasBias in [true, false] {
      let bias = hasBias ? [bias] : []
      let count = 2 + bias.count
      for (postOps, small) in zip(Self.chains(from: count), Self.chains(from: count + 1)) {
        let tail = postOps.count == 2 ? [residual] : []
        let expected = try run(
          .convolution(window), [x, weights] + bias + tail, result, weights: 1...count - 1, postOps: postOps)
        for threads in [1, 2] {
          let found = try run(
            .smallConvolution(SmallConvolution(window: window, kernel: image.kernel, filters: image.filters)),
            [x, packed.weights, packed.scale] + bias + tail, result, weights: 1...count, postOps: small,
            threads: threads)
          #expect(
            difference(found, expected) == nil,
            "\(form), \(image), bias \(hasBias), \(small), \(threads) threads")
        }
      }
    }
  }

  /// Chains of post-ops whose operand is at `operand`: none, a function, and an addition with a function.
  private static func chains(from operand: Int) -> [[PostOpRequest]] {
    [[], [.unary(.relu)], [.binary(.add, operand: operand), .unary(.silu)]]
  }

  /// Without a bias the operand of the post-op is where it would be.
  @Test(arguments: weightForms) func residualsAreAddedToProductsWithoutBias(form: WeightForm) throws {
    let (rows, depth, columns) = (3, 96, 40)
    let weights = try uniform([depth, columns], seed: 1)
    let (small, wide) = try smallForm(of: weights, form, depth: depth, columns: columns, block: 96)
    let x = try uniform([rows, depth], seed: 2)
    let residual = try uniform([rows, columns], seed: 3)
    let expected = try run(
      .matrixMultiply(MatrixMultiply()), [x, wide, residual], [rows, columns], weights: 1...1,
      postOps: [.binary(.add, operand: 2)])
    let found = try run(
      .smallProduct(SmallProduct(columns: columns, block: 96)), [x, small.weights, small.scale, residual],
      [rows, columns], weights: 1...2, postOps: [.binary(.add, operand: 3)])
    #expect(difference(found, expected) == nil, "\(form)")
  }

  /// The library computes convolutions of images in blocks of channels, and the weights of a piece are all that is widened.
  @Test func convolutionsRunInPieces() throws {
    let device = try CPUDevice()
    let window = Convolution(
      strides: [1, 1], dilations: [1, 1], padding: .explicit([1, 1, 1, 1]), groups: 1)
    let request = KernelRequest(
      model: "test", node: "node",
      op: .smallConvolution(SmallConvolution(window: window, kernel: [3, 3], filters: 512)),
      operands: [
        Operand(elementType: .float32, shape: [1, 512, 7, 7]),
        Operand(elementType: .bfloat16, shape: [32, 512 * 9, 16], source: .weight), nil, nil,
      ], results: [.init(.float32, [1, 512, 7, 7])])
    let kernel = try device.makeKernel(request)
    #expect(kernel.implementation.contains("jit"), "\(kernel.implementation)")
    // The weights take 9 MiB as floats.
    #expect(kernel.scratchBytes < 3 << 20)
  }

  /// Weights that are not those of the operator are refused, not read.
  @Test func contradictionsAreRefused() throws {
    let device = try CPUDevice()
    func request(_ weights: [Int], scale: [Int]?, columns: Int, block: Int) throws -> KernelRequest {
      KernelRequest(
        model: "test", node: "node", op: .smallProduct(SmallProduct(columns: columns, block: block)),
        operands: [
          Operand(elementType: .float32, shape: [2, 40]),
          Operand(elementType: .int8, shape: try Shape(checking: weights), source: .weight),
          try scale.map {
            Operand(elementType: .float32, shape: try Shape(checking: $0), source: .weight)
          },
        ], results: [.init(.float32, try Shape(checking: [2, max(columns, 0)]))])
    }
    _ = try device.makeKernel(try request([2, 40, 16], scale: [2, 2, 16], columns: 20, block: 32))
    for (weights, scale, columns, block) in [
      ([1, 40, 16], [2, 2, 16], 20, 32), ([2, 39, 16], [2, 2, 16], 20, 32),
      ([2, 40, 16], [2, 1, 16], 20, 32),
      ([2, 40, 16], nil, 20, 32), ([2, 40, 16], [2, 2, 16], 20, 0), ([2, 40, 16], [2, 2, 16], .max, 32),
      ([2, 40, 8], [2, 2, 16], 20, 32),
    ] as [([Int], [Int]?, Int, Int)] {
      #expect(throws: DeviceError.self, "\(weights) \(columns)") {
        _ = try device.makeKernel(
          try request(weights, scale: scale, columns: min(columns, 1 << 40), block: block))
      }
    }
  }

  /// The matrix in panels, and as floats of the same values.
  private func smallForm(
    of matrix: Tensor, _ form: WeightForm, depth: Int, columns: Int, block: Int
  ) throws -> (small: (weights: Tensor, scale: Tensor?), wide: Tensor) {
    let numbers = try #require(matrix.floats)
    let panels = (columns + 15) / 16
    let blocks = (depth + block - 1) / block
    var wide = numbers
    var scales = [Float](repeating: 0, count: panels * blocks * 16)
    var levels = [Int8](repeating: 0, count: panels * depth * 16)
    var halves = [Float](repeating: 0, count: panels * depth * 16)
    for column in 0..<columns {
      for row in 0..<depth {
        let place = (column / 16 * depth + row) * 16 + column % 16
        let at = (column / 16 * blocks + row / block) * 16 + column % 16
        scales[at] = 0.01 + Float(column % 7) / 1000 + Float(row / block) / 500
        let value = numbers[row * columns + column]
        switch form {
        case .int8:
          levels[place] = Int8(max(min(value * 100, 127), -127))
          wide[row * columns + column] = Float(levels[place]) * scales[at]
        case .float16:
          wide[row * columns + column] = Float(Float16(value))
        default: wide[row * columns + column] = Float(BFloat16(value))
        }
        halves[place] = wide[row * columns + column]
      }
    }
    let shape = try Shape(checking: [panels, depth, 16])
    let floats = try Tensor(wide, shape: matrix.shape)
    switch form {
    case .int8:
      let scale = try Tensor(scales, shape: Shape(checking: [panels, blocks, 16]))
      return ((try Tensor(levels, shape: shape), scale), floats)
    case .float16: return ((try Tensor(halves.map { Float16($0) }, shape: shape), nil), floats)
    default: return ((try Tensor(halves.map { BFloat16($0) }, shape: shape), nil), floats)
    }
  }

  private func run(
    _ op: Op, _ operands: [Tensor?], _ result: [Int], weights: ClosedRange<Int>,
    postOps: [PostOpRequest] = [],
    threads: Int = 1
  ) throws -> Tensor {
    let device = try CPUDevice()
    var request = KernelRequest(
      model: "test", node: op.name, op: op, postOps: postOps,
      operands: operands.enumerated().map { index, tensor in
        tensor.map {
          Operand(
            elementType: $0.elementType, shape: $0.shape,
            source: weights.contains(index) ? .weight : .activation)
        }
      }, ownOperandCount: operands.count - postOps.count { $0.operand != nil },
      results: [.init(.float32, try Shape(checking: result))], threads: [threads])
    for (index, layout) in try device.packing(for: request).enumerated() {
      if let layout { request.operands[index]?.layout = layout }
    }
    var kernel = KernelRun(try device.makeKernel(request), request, on: device)
    return try #require(try kernel.results(operands, threads: threads)[0])
  }

  /// Numbers from −1 to 1.
  private func uniform(_ dims: [Int], seed: UInt32) throws -> Tensor {
    var state = seed &* 2_654_435_761 | 1
    let numbers = (0..<dims.reduce(1, *)).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 23) - 1
    }
    return try Tensor(numbers, shape: try Shape(checking: dims))
  }
}
