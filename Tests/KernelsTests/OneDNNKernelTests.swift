import Device
import Foundation
import Kernels
import ModelGraph
import Tensors
import Testing

/// Promises of primitives beyond numbers.
@Suite struct OneDNNKernelTests {
  static let device = try? CPUDevice()

  @Test func threadCountsAgreeOnLayoutsAndBits() throws {
    let device = try #require(Self.device)
    let convolutions = [
      ConvolutionCase(input: 64, output: 64, size: 28, kernel: 3),
      ConvolutionCase(input: 256, output: 512, size: 7, kernel: 1),
      ConvolutionCase(batch: 2, input: 48, output: 48, size: 14, kernel: 3, groups: 48),
    ]
    for convolution in convolutions {
      let request = try packed(convolution.request(threads: [1, 2]), on: device)
      let kernel = try device.makeKernel(request)
      let tensors = try convolution.tensors()
      let results = try [1, 2, 1].map { threads in
        var run = KernelRun(kernel, request, on: device)
        return try #require(try run.results(tensors, threads: threads)[0])
      }
      #expect(difference(results[1], results[0]) == nil, "\(convolution)")
      #expect(results[2] == results[0], "the same threads give the same bits")
    }
  }

  /// The threads of a team notice what is not a number, each in its part of the result.
  @Test(arguments: [1, 2], [UnaryFunction.relu, .clip(minimum: 0, maximum: 6), .gelu(approximate: false)])
  func whatIsNotANumberStaysSoOnEveryThread(threads: Int, function: UnaryFunction) throws {
    let device = try #require(Self.device)
    for pixel in [0, 27 * 28 + 27] {
      let convolution = ConvolutionCase(input: 64, output: 64, size: 28, kernel: 1)
      let request = try packed(convolution.request([.unary(function)], threads: [1, 2]), on: device)
      let kernel = try device.makeKernel(request)
      var tensors = try convolution.tensors()
      var image = try #require(tensors[0]?.floats)
      image[pixel] = .nan
      let whole = try #require(tensors[0])
      tensors[0] = try Tensor(image, shape: whole.shape)
      var run = KernelRun(kernel, request, on: device)
      let found = try #require(try run.results(tensors, threads: threads)[0]?.floats)
      let places = found.indices.filter { found[$0].isNaN }
      #expect(places == (0..<64).map { $0 * 28 * 28 + pixel }, "\(kernel.implementation)")
    }
  }

  @Test func unknownThreadCountIsAnError() throws {
    let device = try #require(Self.device)
    let convolution = ConvolutionCase(input: 8, output: 8, size: 8, kernel: 3)
    let request = try packed(convolution.request(), on: device)
    let kernel = try device.makeKernel(request)
    let error = try #require(throws: DeviceError.self) {
      var run = KernelRun(kernel, request, on: device)
      _ = try run.results(try convolution.tensors(), threads: 3)
    }
    #expect(error.kind == .invalidArgument)
    #expect(error.description.contains("node '\(convolution)'"))
  }

  // lane 1  ──run(x1)──run(x1)──run(x1)──…
  // lane 2  ──run(x2)──run(x2)──run(x2)──…     one kernel, no order between the lanes
  @Test func lanesRunOneKernelAtTheSameTime() throws {
    let device = try #require(Self.device)
    let convolution = ConvolutionCase(input: 64, output: 64, size: 14, kernel: 3)
    let request = try packed(convolution.request([.unary(.silu)]), on: device)
    let kernel = try device.makeKernel(request)
    let lanes = try (0..<4).map { lane in try convolution.tensors(seed: UInt64(10 * lane + 1)) }
    let alone = try lanes.map { tensors in
      var run = KernelRun(kernel, request, on: device)
      return try run.results(tensors)
    }
    let found = Locked<[String]>([])
    DispatchQueue.concurrentPerform(iterations: lanes.count) { lane in
      for _ in 0..<20 {
        do {
          var run = KernelRun(kernel, request, on: device)
          if try run.results(lanes[lane]) != alone[lane] { found.withLock { $0.append("lane \(lane)") } }
        } catch {
          found.withLock { $0.append("\(error)") }
        }
      }
    }
    #expect(found.withLock { $0 } == [])
  }

  /// Chains that the library fuses wholly, in part and not at all.
  static let chains: [[PostOpRequest]] = [
    [.unary(.relu)],
    [.unary(.clip(minimum: 0, maximum: 6))],
    [.unary(.hardSwish), .binary(.multiply, operand: 4)],
    [.binary(.add, operand: 3), .unary(.relu)],
    [.binary(.multiply, operand: 4), .binary(.add, operand: 3), .unary(.silu)],
    [.unary(.sine), .unary(.relu)],
    [.unary(.gelu(approximate: false)), .unary(.errorFunction), .binary(.subtract, operand: 3)],
    [.binary(.add, operand: 3), .unary(.cosine), .binary(.multiply, operand: 3), .unary(.floor)],
    [.binary(.power, operand: 5), .unary(.absolute)],
    [.binary(.maximum, operand: 6), .binary(.add, operand: 7)],
  ]

  @Test(arguments: chains)
  func postOpsEqualKernelsOfTheirOwn(chain: [PostOpRequest]) throws {
    let device = try #require(Self.device)
    let convolution = ConvolutionCase(input: 16, output: 32, size: 9, kernel: 3)
    let two = try Tensor([Float(2)], shape: [1])
    let tensors =
      try convolution.tensors() + [
        noise(convolution.resultDims, seed: 7), noise([1, 32, 1, 1], seed: 8), two,
        noise([9], seed: 9), noise([1, 1, 9, 9], seed: 10),
      ]
    let extra = try tensors[3...].map { tensor in
      let tensor = try #require(tensor)
      return tensor.shape.elementCount == 1
        ? Operand(immediate: tensor) : Operand(elementType: .float32, shape: tensor.shape)
    }
    let request = try packed(convolution.request(chain, extra: extra), on: device)
    let kernel = try device.makeKernel(request)
    #expect(!kernel.isReference)
    var run = KernelRun(kernel, request, on: device)
    let fused = try #require(try run.results(tensors)[0])

    let alone = try packed(convolution.request(), on: device)
    run = KernelRun(try device.makeKernel(alone), alone, on: device)
    var expected = try #require(try run.results(Array(tensors[..<3]))[0])
    for postOp in chain {
      var operands: [Tensor?] = [expected]
      let op: Op
      switch postOp {
      case .unary(let function): op = .unary(function)
      case .binary(let function, let index):
        op = .binary(function)
        operands.append(tensors[index])
      }
      let step = KernelRequest(
        model: "test", node: "step", op: op,
        operands: operands.map { $0.map { Operand(elementType: .float32, shape: $0.shape) } },
        results: [.init(.float32, expected.shape)])
      run = KernelRun(try #require(try PortableKernel.make(step)), step, on: device)
      expected = try #require(try run.results(operands)[0])
    }
    #expect(difference(fused, expected) == nil, "\(kernel.implementation)")
  }

  @Test func residualsAndScalesAreFused() throws {
    let device = try #require(Self.device)
    let convolution = ConvolutionCase(input: 64, output: 64, size: 14, kernel: 3)
    let residual = Operand(elementType: .float32, shape: try Shape(checking: convolution.resultDims))
    let request = try packed(
      convolution.request([.binary(.add, operand: 3), .unary(.relu)], extra: [residual]), on: device)
    let kernel = try device.makeKernel(request)
    #expect(kernel.implementation.hasSuffix(" + elements"), "a relu that keeps NaN")
    #expect(!kernel.implementation.dropLast(" + elements".count).contains("+"), "one primitive")
    #expect(kernel.operandLayouts[3] == kernel.resultLayouts[0])
  }

  @Test func residualStandsWhereALeftOutBiasWould() throws {
    let device = try #require(Self.device)
    let convolution = ConvolutionCase(input: 8, output: 16, size: 7, kernel: 3, hasBias: false)
    var request = try convolution.request()
    request.operands[2] = Operand(elementType: .float32, shape: try Shape(checking: convolution.resultDims))
    request.postOps = [.binary(.add, operand: 2)]
    request.ownOperandCount = 2
    var tensors = try convolution.tensors()
    let alone = try convolution.request()
    var run = KernelRun(try device.makeKernel(alone), alone, on: device)
    let product = try #require(try run.results(tensors)[0]?.floats)
    tensors[2] = try noise(convolution.resultDims, seed: 9)
    let sum = try zip(product, #require(tensors[2]?.floats)).map { $0 + $1 }
    for kernel in [try device.makeKernel(request), try #require(try PortableKernel.make(request))] {
      run = KernelRun(kernel, request, on: device)
      let found = try #require(try run.results(tensors)[0])
      #expect(difference(found, try Tensor(sum, shape: found.shape)) == nil, "\(kernel.implementation)")
    }
  }

  /// A compiled model is asked for at batch sizes and image sizes that its weights were not packed for.
  @Test(arguments: [1, 3, 8, 32]) func packedWeightsServeOtherShapes(batch: Int) throws {
    let device = try #require(Self.device)
    let small = ConvolutionCase(input: 64, output: 96, size: 7, kernel: 3)
    var other = small
    other.batch = batch
    other.size = 28
    let layouts = try packed(small.request(), on: device).operands.map { $0?.layout }
    var request = try other.request(threads: [1, 2])
    for (index, layout) in layouts.enumerated() { request.operands[index]?.layout = layout ?? .plain }
    let kernel = try device.makeKernel(request)
    #expect(!kernel.isReference, "\(kernel.implementation)")
    let weights = request.operands.indices.filter { $0 > 0 }
    #expect(weights.allSatisfy { kernel.operandLayouts[$0] == request.operands[$0]?.layout })

    let tensors = try other.tensors()
    var run = KernelRun(kernel, request, on: device)
    let found = try #require(try run.results(tensors)[0])
    let own = try packed(other.request(), on: device)
    run = KernelRun(try device.makeKernel(own), own, on: device)
    #expect(difference(found, try #require(try run.results(tensors)[0])) == nil)
  }

  /// Shapes of ResNet, VGG, MobileNet, SqueezeNet, AlexNet, DenseNet and GoogLeNet.
  static let classifiers = [
    ConvolutionCase(input: 3, output: 64, size: 224, kernel: 7, stride: 2),
    ConvolutionCase(input: 3, output: 32, size: 224, kernel: 3, stride: 2),
    ConvolutionCase(input: 3, output: 64, size: 224, kernel: 3),
    ConvolutionCase(input: 3, output: 64, size: 224, kernel: 11, stride: 4),
    ConvolutionCase(input: 64, output: 192, size: 27, kernel: 5),
    ConvolutionCase(input: 64, output: 256, size: 56, kernel: 1),
    ConvolutionCase(input: 256, output: 512, size: 56, kernel: 1, stride: 2),
    ConvolutionCase(input: 128, output: 128, size: 28, kernel: 3, stride: 2),
    ConvolutionCase(input: 512, output: 512, size: 7, kernel: 3),
    ConvolutionCase(input: 32, output: 32, size: 112, kernel: 3, groups: 32),
    ConvolutionCase(input: 96, output: 96, size: 112, kernel: 3, stride: 2, groups: 96),
    ConvolutionCase(input: 960, output: 960, size: 7, kernel: 3, groups: 960),
    ConvolutionCase(input: 16, output: 96, size: 112, kernel: 1),
    ConvolutionCase(input: 24, output: 144, size: 56, kernel: 1),
    ConvolutionCase(input: 144, output: 24, size: 56, kernel: 1),
    ConvolutionCase(input: 224, output: 128, size: 28, kernel: 1),
    ConvolutionCase(input: 16, output: 32, size: 28, kernel: 5),
    ConvolutionCase(input: 512, output: 1000, size: 13, kernel: 1),
  ]

  @Test(arguments: classifiers)
  func classifiersHaveNoReferenceKernel(convolution: ConvolutionCase) throws {
    let device = try #require(Self.device)
    let images = try libraryLayouts(of: try Shape(checking: convolution.imageDims), on: device)
    for image in [.plain] + images {
      let request = try packed(
        convolution.request([.unary(.relu)], image: image, threads: [1, 2]), on: device)
      let kernel = try device.makeKernel(request)
      // For AVX2 the library has nothing but GEMM (and its reference) for AlexNet's first layer.
      let isGEMM = convolution.kernel == 11 && !device.target.instructionSet.contains("avx512")
      #expect(!kernel.isReference, "\(kernel.implementation)")
      #expect(kernel.implementation.contains("gemm") == isGEMM, "\(kernel.implementation)")
    }
  }

  @Test func targetNamesTheInstructionSetAndTheLibrary() throws {
    let target = try #require(Self.device).target
    #expect(target.device == "cpu")
    #expect(target.library.hasPrefix("onednn-3."))
    #expect(!target.instructionSet.isEmpty)
  }
}
