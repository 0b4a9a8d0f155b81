import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Windows whose elements nobody could visit for each result.
@Suite("Windows of a hundred thousand elements", .timeLimit(.minutes(1)))
struct WideWindowTests {
  static let device = try? CPUDevice()
  static let length = 1 << 17

  /// The kernel's name, and its results.
  private func run(_ op: Op, _ x: Tensor, results: [KernelRequest.ResultType]) throws -> (String, [Tensor?]) {
    let device = try #require(Self.device)
    let request = KernelRequest(
      model: "m", node: "n", op: op,
      operands: [Operand(elementType: x.elementType, shape: x.shape, source: .activation)],
      results: results)
    let kernel = try device.makeKernel(request)
    var run = KernelRun(kernel, request, on: device)
    return (kernel.implementation, try run.results([x]))
  }

  @Test("a local response of all channels takes sums that there are")
  func localResponse() throws {
    let size = Int(Int32.max)
    let x = try Tensor([Float](repeating: 1, count: Self.length), shape: [1, Self.length, 1, 1])
    let (_, values) = try run(
      .localResponseNormalization(LocalResponse(size: size, alpha: Double(size), beta: 1, bias: 0)), x,
      results: [.init(.float32, x.shape)])
    #expect(values[0]?.floats == [Float](repeating: 1 / Float(Self.length), count: Self.length))
  }
}
