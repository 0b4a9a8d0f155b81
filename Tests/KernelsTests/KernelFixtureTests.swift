import Device
import Kernels
import Tensors
import Testing

/// Every kernel against what onnxruntime computed.
@Suite struct KernelFixtureTests {
  static let device = try? CPUDevice()
  static let computed = KernelFixture.all.filter { !$0.isRefused && $0.op.onHost == nil }
  static let counted = KernelFixture.all.filter { $0.op.onHost != nil }
  static let refused = KernelFixture.all.filter(\.isRefused)

  @Test(arguments: computed)
  func portableKernelComputesTheReference(fixture: KernelFixture) throws {
    let device = try #require(Self.device)
    for immediate in [false, true] where !immediate || !fixture.parameters.isEmpty {
      let request = fixture.request(immediate: immediate)
      let kernel = try #require(try PortableKernel.make(request))
      try check(kernel, request, fixture, device)
    }
  }

  @Test(arguments: computed)
  func deviceComputesTheReference(fixture: KernelFixture) throws {
    let device = try #require(Self.device)
    for immediate in [false, true] where !immediate || !fixture.parameters.isEmpty {
      let request = fixture.request(immediate: immediate)
      try check(try device.makeKernel(request), request, fixture, device)
    }
  }

  @Test(arguments: computed)
  func deviceComputesTheReferenceWithPackedWeights(fixture: KernelFixture) throws {
    let device = try #require(Self.device)
    let request = try fixture.packedRequest(on: device)
    let kernel = try device.makeKernel(request)
    for (operand, layout) in zip(request.operands, kernel.operandLayouts)
    where operand?.source.isWeight == true {
      #expect(operand?.layout == layout, "a weight's layout is final")
    }
    try check(kernel, request, fixture, device)
  }

  @Test(arguments: counted)
  func hostComputesTheReference(fixture: KernelFixture) throws {
    let results = try #require(fixture.op.onHost).count(fixture.operands)
    #expect(
      results.types == fixture.expected.map { $0.map { KernelRequest.ResultType($0.elementType, $0.shape) } })
    #expect(try results.tensors() == fixture.expected.compactMap { $0 })
  }

  /// A value may be an operand and a post-op's operand: were it overwritten, the post-op would read the result.
  @Test func operandThatAPostOpMayReadIsNotOverwritten() throws {
    let type = KernelRequest.ResultType(.float32, [2, 3])
    let x = Operand(elementType: .float32, shape: [2, 3])
    let bias = Operand(elementType: .float32, shape: [3])
    func inPlace(_ other: Operand) throws -> [Int]? {
      try PortableKernel.make(
        KernelRequest(
          model: "m", node: "n", op: .unary(.relu), postOps: [.binary(.add, operand: 1)],
          operands: [x, other], ownOperandCount: 1, results: [type]))?.inPlaceOperands
    }
    #expect(try inPlace(x) == [])
    #expect(try inPlace(bias) == [0])
  }

  @Test(arguments: refused)
  func inputOutOfRangeIsAnError(fixture: KernelFixture) throws {
    let device = try #require(Self.device)
    let request = fixture.request(immediate: false)
    let kernel = try #require(try PortableKernel.make(request))
    let error = try #require(throws: DeviceError.self) {
      var run = KernelRun(kernel, request, on: device)
      _ = try run.results(fixture.operands)
    }
    #expect(error.kind == .invalidData)
    #expect(error.description.contains("node '\(fixture.name)'"))
  }

  /// Operands apart, and for each operand that the kernel lets the result overwrite, in its place.
  private func check(
    _ kernel: any Kernel, _ request: KernelRequest, _ fixture: KernelFixture, _ device: CPUDevice
  ) throws {
    for inPlace in [nil] + kernel.inPlaceOperands.map(Optional.some) {
      var run = KernelRun(kernel, request, on: device)
      let results = try run.results(fixture.operands, inPlace: inPlace)
      for (found, expected) in zip(results, fixture.expected) {
        guard let expected else { continue }
        let problem = difference(try #require(found), expected)
        #expect(
          problem == nil,
          "\(fixture.name), \(kernel.implementation), in place: \(String(describing: inPlace))")
      }
    }
    try checkRuns(kernel, request, fixture, device)
    guard let alias = kernel.aliasedOperand, let source = fixture.operands[alias] else { return }
    let view = try source.reshaped(to: try #require(fixture.expected[0]).shape)
    #expect(view == fixture.expected[0])
  }

  /// The bytes of parts are where the kernel says that they lie in the whole, computed or not.
  private func checkRuns(
    _ kernel: any Kernel, _ request: KernelRequest, _ fixture: KernelFixture, _ device: CPUDevice
  ) throws {
    func check(_ whole: (Tensor, Layout), _ parts: [(tensor: Tensor?, layout: Layout)], _ offsets: [Int])
      throws
    {
      let bytes = try packedBytes(whole.0, as: whole.1, on: device)
      for (part, offset) in zip(parts, offsets) {
        guard let tensor = part.tensor else { continue }
        let packed = try packedBytes(tensor, as: part.layout, on: device)
        #expect(bytes.dropFirst(offset).starts(with: packed), "\(fixture.name)")
      }
    }
    if let offsets = kernel.partOffsets, let result = fixture.expected[0] {
      try check(
        (result, kernel.resultLayouts[0]), Array(zip(fixture.operands, kernel.operandLayouts)), offsets)
    }
    if let offsets = kernel.resultOffsets, let operand = fixture.operands[0] {
      try check(
        (operand, kernel.operandLayouts[0]), Array(zip(fixture.expected, kernel.resultLayouts)), offsets)
    }
  }
}

extension Operand.Source {
  fileprivate var isWeight: Bool { if case .weight = self { true } else { false } }
}
