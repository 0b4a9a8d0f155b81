import Device
import Kernels
import ModelGraph
import Tensors
import Testing

private let sharedDevice = try? CPUDevice()
/// On a machine whose registers are narrower there is no such kernel.
private let hasBlocksOfSixteen = sharedDevice?.target.instructionSet.hasPrefix("avx512") ?? true

/// Large 3×3 convolutions by Winograd's algorithm give what oneDNN's direct convolution gives.
@Suite(.enabled(if: hasBlocksOfSixteen, "the kernel needs AVX-512, which this machine does not have"))
struct WinogradTests {

  struct Case: CustomStringConvertible, Sendable {
    var batch = 1
    var input: Int
    var output: Int
    var height: Int
    var width: Int
    /// Top, left, bottom, right.
    var pads = [1, 1, 1, 1]
    var hasBias = true

    var description: String { "\(batch)x\(input)x\(height)x\(width) -> \(output), \(pads)" }
    var image: [Int] { [batch, input, height, width] }
    var result: [Int] { [batch, output, height + pads[0] + pads[2] - 2, width + pads[1] + pads[3] - 2] }

    func request(
      _ postOps: [PostOpRequest] = [], extra: [Operand] = [], image layout: Layout, threads: [Int] = [1]
    ) throws -> KernelRequest {
      KernelRequest(
        model: "test", node: "\(self)",
        op: .convolution(
          Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit(pads), groups: 1)),
        postOps: postOps,
        operands: [
          Operand(elementType: .float32, shape: try Shape(checking: image), layout: layout),
          Operand(
            elementType: .float32, shape: try Shape(checking: [output, input, 3, 3]), source: .weight),
          hasBias ? Operand(elementType: .float32, shape: [output], source: .weight) : nil,
        ] + extra, ownOperandCount: 3, results: [.init(.float32, try Shape(checking: result))],
        threads: threads)
    }

    func tensors() throws -> [Tensor?] {
      [
        try noise(image, seed: 1), try noise([output, input, 3, 3], seed: 2),
        hasBias ? try noise([output], seed: 3) : nil,
      ]
    }
  }

  /// Both ways to cut the work, tiles that reach over the edge, no edge at all, several images.
  static let cases = [
    Case(input: 64, output: 64, height: 56, width: 56),
    Case(input: 32, output: 48, height: 31, width: 35),
    Case(input: 48, output: 80, height: 27, width: 29),
    Case(input: 256, output: 288, height: 14, width: 18),
    Case(batch: 3, input: 32, output: 32, height: 21, width: 22),
    Case(batch: 2, input: 80, output: 112, height: 17, width: 20),
    Case(input: 32, output: 32, height: 40, width: 41, pads: [0, 0, 0, 0]),
    Case(input: 32, output: 32, height: 40, width: 41, pads: [2, 0, 1, 2]),
    Case(input: 64, output: 64, height: 40, width: 37, hasBias: false),
  ]

  @Test(arguments: cases) func computesWhatTheDirectConvolutionComputes(convolution: Case) throws {
    let device = try #require(sharedDevice)
    let blocks = try self.blocks(convolution.image, on: device)
    let request = try packed(convolution.request(image: blocks, threads: [1, 2, 3]), on: device)
    let kernel = try device.makeKernel(request)
    #expect(kernel.implementation.hasPrefix("winograd"))
    let expected = try direct(convolution, [], extra: [], convolution.tensors(), on: device)
    for threads in [1, 2, 3] {
      var run = KernelRun(kernel, request, on: device)
      let found = try #require(try run.results(convolution.tensors(), threads: threads)[0])
      #expect(difference(found, expected) == nil, "\(threads) threads")
    }
  }

  @Test func theNumberOfThreadsDoesNotChangeABit() throws {
    let device = try #require(sharedDevice)
    for convolution in Self.cases {
      let blocks = try self.blocks(convolution.image, on: device)
      let request = try packed(convolution.request(image: blocks, threads: [1, 2, 4]), on: device)
      let kernel = try device.makeKernel(request)
      let results = try [1, 2, 4].map { threads in
        var run = KernelRun(kernel, request, on: device)
        return try run.results(convolution.tensors(), threads: threads)
      }
      #expect(results[1] == results[0] && results[2] == results[0], "\(convolution)")
    }
  }

  static let chains: [[PostOpRequest]] = [
    [.unary(.relu)],
    [.binary(.add, operand: 3)],
    [.binary(.add, operand: 3), .unary(.relu)],
    [.unary(.silu)],
    [.unary(.silu), .binary(.add, operand: 3)],
    [.unary(.silu), .binary(.add, operand: 3), .unary(.relu)],
    [.unary(.tanh), .binary(.add, operand: 3)],
    [.unary(.relu), .binary(.add, operand: 3), .unary(.sigmoid)],
  ]

  @Test(arguments: chains) func postOpsFollow(chain: [PostOpRequest]) throws {
    let device = try #require(sharedDevice)
    let convolution = Case(input: 32, output: 48, height: 31, width: 35)
    let blocks = try self.blocks(convolution.image, on: device)
    let made = try self.blocks(convolution.result, on: device)
    let addend = Operand(elementType: .float32, shape: try Shape(checking: convolution.result), layout: made)
    let extra = chain.contains { if case .binary = $0 { true } else { false } } ? [addend] : []
    var tensors = try convolution.tensors()
    if !extra.isEmpty { tensors.append(try noise(convolution.result, seed: 4)) }
    let request = try packed(convolution.request(chain, extra: extra, image: blocks), on: device)
    let kernel = try device.makeKernel(request)
    #expect(kernel.implementation.hasPrefix("winograd"))
    let expected = try direct(convolution, chain, extra: extra, tensors, on: device)
    for place in [nil] + kernel.inPlaceOperands.map(Optional.some) {
      var run = KernelRun(kernel, request, on: device)
      let found = try #require(try run.results(tensors, inPlace: place)[0])
      #expect(difference(found, expected) == nil, "in place: \(place as Any)")
    }
  }

  /// The transform of the weights costs more than it saves there.
  @Test func smallImagesWithManyChannelsAreConvolvedDirectly() throws {
    let device = try #require(sharedDevice)
    for convolution in [
      Case(input: 512, output: 512, height: 7, width: 7), Case(input: 16, output: 16, height: 8, width: 8),
    ] {
      let blocks = try self.blocks(convolution.image, on: device)
      let kernel = try device.makeKernel(try packed(convolution.request(image: blocks), on: device))
      #expect(!kernel.implementation.contains("winograd"), "\(convolution)")
    }
  }

  @Test func aThreadCountThatItWasNotMadeForIsAnError() throws {
    let device = try #require(sharedDevice)
    let convolution = Self.cases[0]
    let blocks = try self.blocks(convolution.image, on: device)
    let request = try packed(convolution.request(image: blocks), on: device)
    let kernel = try device.makeKernel(request)
    let error = try #require(throws: DeviceError.self) {
      var run = KernelRun(kernel, request, on: device)
      _ = try run.results(try convolution.tensors(), threads: 2)
    }
    #expect(error.kind == .invalidArgument)
  }

  /// Blocks of sixteen channels.
  private func blocks(_ dims: [Int], on device: CPUDevice) throws -> Layout {
    try #require(try libraryLayouts(of: try Shape(checking: dims), on: device).first)
  }

  /// oneDNN's own answer: it is asked for with a plain image, which Winograd's kernel does not take.
  private func direct(
    _ convolution: Case, _ chain: [PostOpRequest], extra: [Operand], _ tensors: [Tensor?],
    on device: CPUDevice
  ) throws -> Tensor {
    let request = try packed(convolution.request(chain, extra: extra, image: .plain), on: device)
    let kernel = try device.makeKernel(request)
    #expect(!kernel.implementation.contains("winograd"))
    var run = KernelRun(kernel, request, on: device)
    return try #require(try run.results(tensors)[0])
  }
}
