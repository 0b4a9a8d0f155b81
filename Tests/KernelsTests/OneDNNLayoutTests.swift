import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Kernels work in whatever layout their operands come in.
@Suite struct OneDNNLayoutTests {
  static let device = try? CPUDevice()
  static let images = KernelFixture.all.filter { fixture in
    !fixture.isRefused
      && fixture.operands.contains { $0?.elementType == .float32 && (3...5).contains($0?.shape.rank ?? 0) }
  }

  @Test(arguments: images)
  func kernelComputesTheSameInTheLibrarysLayouts(fixture: KernelFixture) throws {
    let device = try #require(Self.device)
    for choice in 0..<2 {
      var request = fixture.request(immediate: true)
      for (index, operand) in request.operands.enumerated() {
        guard let operand, operand.immediate == nil, operand.elementType == .float32 else { continue }
        let layouts = try libraryLayouts(of: operand.shape, on: device)
        if layouts.indices.contains(choice) { request.operands[index]?.layout = layouts[choice] }
      }
      let kernel = try device.makeKernel(request)
      var run = KernelRun(kernel, request, on: device)
      let results = try run.results(fixture.operands)
      for (found, expected) in zip(results, fixture.expected) {
        guard let expected else { continue }
        #expect(
          difference(try #require(found), expected) == nil, "\(fixture.name), \(kernel.implementation)")
      }
    }
  }

  @Test func convolutionsPassImagesOnWithoutAReorder() throws {
    let device = try #require(Self.device)
    let first = ConvolutionCase(input: 64, output: 64, size: 14, kernel: 3)
    let second = ConvolutionCase(input: 64, output: 128, size: 14, kernel: 1)
    let third = ConvolutionCase(input: 128, output: 128, size: 14, kernel: 3, stride: 2, groups: 128)
    let start = try device.makeKernel(try packed(first.request([.unary(.relu)]), on: device))
    var layout = start.resultLayouts[0]
    for next in [second, third] {
      let kernel = try device.makeKernel(try packed(next.request(image: layout), on: device))
      #expect(kernel.operandLayouts[0] == layout)
      layout = kernel.resultLayouts[0]
    }
    let pool = KernelRequest(
      model: "test", node: "pool",
      op: .pool(
        Pool(
          kind: .average, window: nil, strides: [], dilations: [], padding: .explicit([]), ceilingMode: false)
      ),
      operands: [Operand(elementType: .float32, shape: [1, 128, 7, 7], layout: layout)],
      results: [.init(.float32, [1, 128, 1, 1])])
    let last = try device.makeKernel(pool)
    #expect(last.operandLayouts[0] == layout)
    #expect(last.resultLayouts[0] == .plain, "one element a channel lies as a plain tensor does")
  }

  /// A pool of levels gives the layout that its library prefers for them.
  private func levelsLayout(_ dims: [Int], on device: CPUDevice) throws -> Layout {
    let pool = Pool(
      kind: .maximum, window: [1, 1], strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]))
    let shape = try Shape(checking: dims)
    return try device.makeKernel(
      KernelRequest(
        model: "test", node: "pool", op: .pool(pool), operands: [Operand(elementType: .uint8, shape: shape)],
        results: [.init(.uint8, shape)])
    ).resultLayouts[0]
  }

  @Test func levelsAreConcatenatedInTheirLayout() throws {
    let device = try #require(Self.device)
    let dims = [[1, 12, 6, 5], [1, 20, 6, 5]]
    let layouts = try dims.map { try levelsLayout($0, on: device) }
    try #require(!layouts.contains(.plain), "channels last")
    let request = KernelRequest(
      model: "test", node: "concat", op: .concat(axis: 1),
      operands: try zip(dims, layouts).map {
        Operand(elementType: .uint8, shape: try Shape(checking: $0), layout: $1)
      },
      results: [.init(.uint8, [1, 32, 6, 5])])
    let kernel = try device.makeKernel(request)
    #expect(kernel.operandLayouts == layouts)
    #expect(try kernel.resultLayouts == [levelsLayout([1, 32, 6, 5], on: device)])
    let bytes = (0..<960).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let parts = [
      try Tensor(Array(bytes[..<360]), shape: [1, 12, 6, 5]),
      try Tensor(Array(bytes[360...]), shape: [1, 20, 6, 5]),
    ]
    var run = KernelRun(kernel, request, on: device)
    #expect(try run.results(parts)[0]?.elements(as: UInt8.self) == bytes)
  }

  @Test func firstLayersReadThePlainImage() throws {
    let device = try #require(Self.device)
    let first = ConvolutionCase(input: 3, output: 64, size: 224, kernel: 7, stride: 2)
    let kernel = try device.makeKernel(try packed(first.request(), on: device))
    #expect(kernel.operandLayouts[0] == .plain)
    #expect(!kernel.isReference)
  }

  /// If all channels fit into one block, the blocked layout and channels last put the elements at the same
  /// places.
  @Test func anImageOfOneBlockOfChannelsStaysBlocked() throws {
    let device = try #require(Self.device)
    let first = ConvolutionCase(input: 3, output: 16, size: 28, kernel: 3)
    let image = try device.makeKernel(try packed(first.request(), on: device)).resultLayouts[0]
    let second = ConvolutionCase(input: 16, output: 48, size: 28, kernel: 3)
    let kernel = try device.makeKernel(try packed(second.request(image: image), on: device))
    #expect(kernel.operandLayouts[0] == image)
    #expect(try libraryLayouts(of: [1, 48, 28, 28], on: device).first == kernel.resultLayouts[0])
  }

  @Test func residualSumsAreFusedBeforeAndAfterAnActivation() throws {
    let device = try #require(Self.device)
    let image = try libraryLayouts(of: [1, 64, 20, 20], on: device)[0]
    let added = Operand(elementType: .float32, shape: [1, 64, 20, 20], layout: image)
    let sum = PostOpRequest.binary(.add, operand: 3)
    for kernel in [1, 3] {
      for chain in [[sum, .unary(.relu)], [.unary(.silu), sum]] {
        let convolution = ConvolutionCase(input: 64, output: 64, size: 20, kernel: kernel)
        let request = try convolution.request(chain, extra: [added], image: image)
        let kernel = try device.makeKernel(try packed(request, on: device))
        // A relu behind a sum is a pass of its own: in the sum's place nobody would notice a NaN that the library loses.
        let isLossy = chain == [sum, .unary(.relu)] && !kernel.implementation.hasPrefix("winograd")
        let own = isLossy ? " + elements" : ""
        #expect(kernel.implementation.hasSuffix(own))
        #expect(!kernel.implementation.dropLast(own.count).contains(" + "), "\(chain)")
        #expect(kernel.operandLayouts[3] == image)
      }
    }
  }

  @Test(arguments: [16, 24, 48, 64]) func blockedWeightsServeEveryImageSize(channels: Int) throws {
    let device = try #require(Self.device)
    for kernel in [1, 3] {
      let packings = try [7, 14, 28, 80].map { size in
        let image = try libraryLayouts(of: [1, channels, size, size], on: device)[0]
        let convolution = ConvolutionCase(input: channels, output: 96, size: size, kernel: kernel)
        return try device.packing(for: try convolution.request(image: image))[1]
      }
      #expect(Set(packings).count == 1, "\(kernel)x\(kernel)")
    }
  }

  @Test func onlyTheSmallerOperandOfASumIsReordered() throws {
    let device = try #require(Self.device)
    let shape: Shape = [1, 64, 14, 14]
    let blocked = try #require(try libraryLayouts(of: shape, on: device).first)
    for (left, right) in [(blocked, Layout.plain), (.plain, blocked)] {
      let request = KernelRequest(
        model: "test", node: "sum", op: .binary(.add),
        operands: [
          Operand(elementType: .float32, shape: shape, layout: left),
          Operand(elementType: .float32, shape: shape, layout: right),
        ], results: [.init(.float32, shape)])
      let kernel = try device.makeKernel(request)
      #expect(kernel.operandLayouts == [blocked, blocked])
      #expect(kernel.resultLayouts == [blocked])
    }
  }

  /// As a gate does in squeeze and excite: a plain operand beside a blocked one would draw the image into plain memory.
  @Test(arguments: [1, 2]) func anImageStaysBlockedWhereItsChannelsAreScaled(batch: Int) throws {
    let device = try #require(Self.device)
    let (image, gate) = (try noise([batch, 64, 5, 7], seed: 1), try noise([batch, 64, 1, 1], seed: 2))
    for layout in try libraryLayouts(of: image.shape, on: device) {
      let operands = [
        Operand(elementType: .float32, shape: image.shape, layout: layout),
        Operand(elementType: .float32, shape: gate.shape),
      ]
      for isSwapped in [false, true] {
        let request = KernelRequest(
          model: "test", node: "gate", op: .binary(.multiply),
          operands: isSwapped ? operands.reversed() : operands, results: [.init(.float32, image.shape)])
        let kernel = try device.makeKernel(request)
        #expect(kernel.resultLayouts == [layout])
        #expect(kernel.operandLayouts == (isSwapped ? [.plain, layout] : [layout, .plain]))
        var run = KernelRun(kernel, request, on: device)
        let product = try run.results(isSwapped ? [gate, image] : [image, gate])[0]
        let (pixels, factors) = (try #require(image.floats), try #require(gate.floats))
        #expect(product?.floats == pixels.indices.map { pixels[$0] * factors[$0 / 35] })
      }
    }
  }

  @Test func weightsComeBackFromTheirPackedForm() throws {
    let device = try #require(Self.device)
    let convolutions = [
      ConvolutionCase(input: 64, output: 128, size: 14, kernel: 3),
      ConvolutionCase(input: 17, output: 19, size: 14, kernel: 3),
      ConvolutionCase(input: 64, output: 64, size: 14, kernel: 3, groups: 64),
      ConvolutionCase(input: 32, output: 64, size: 14, kernel: 3, groups: 4),
    ]
    for convolution in convolutions {
      let weights = try #require(try convolution.tensors()[1])
      let layout = try #require(try device.packing(for: try convolution.request())[1], "\(convolution)")
      let buffer = try device.pack(weights, as: layout)
      #expect(
        try device.byteCount(of: .float32, weights.shape, in: layout) == buffer.bytes.count)
      let operand = Operand(elementType: .float32, shape: weights.shape, layout: layout)
      let request = KernelRequest(
        model: "test", node: "unpack", op: .identity, operands: [operand],
        results: [.init(.float32, weights.shape)])
      var run = KernelRun(try device.makeReorder(request, to: .plain), request, on: device)
      #expect(try run.results([weights]) == [weights], "\(convolution)")
    }
  }

  @Test func packingDoesNotDependOnThreads() throws {
    let device = try #require(Self.device)
    for threads in [[1], [2], [1, 2], [4]] {
      let convolution = ConvolutionCase(input: 512, output: 512, size: 7, kernel: 3)
      let one = try device.packing(for: try convolution.request())
      #expect(try device.packing(for: try convolution.request(threads: threads)) == one)
    }
  }

  @Test(arguments: 0..<64) func damagedLayoutsAreErrors(seed: Int) throws {
    let device = try #require(Self.device)
    let weights = try noise([64, 32, 3, 3], seed: 1)
    let convolution = ConvolutionCase(input: 32, output: 64, size: 14, kernel: 3)
    var bytes = try #require(try device.packing(for: try convolution.request())[1]).descriptor
    let position = seed * 7 % bytes.count
    bytes[position] ^= UInt8(1 << (seed % 8))
    if seed % 5 == 0 { bytes.removeLast() }
    // Another layout, or an error: never a trap, and never more bytes than the layout has.
    let layout = Layout(descriptor: bytes)
    do {
      let count = try device.byteCount(of: .float32, weights.shape, in: layout)
      #expect(try device.pack(weights, as: layout).bytes.count == count)
    } catch let error as DeviceError {
      #expect([.damaged, .kernelLibrary].contains(error.kind))
    }
  }
}
