import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Windows whose elements nobody could visit for each result.
@Suite("Windows of a hundred thousand elements", .timeLimit(.minutes(5)))
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

  private static func pool(_ kind: Pool.Kind) -> Op {
    .pool(
      Pool(
        kind: kind, window: [length + 1], strides: [1], dilations: [1],
        padding: .explicit([length / 2, length / 2])))
  }

  /// Numbers that rise: the largest is the last one in a window.
  private func rising() throws -> Tensor {
    try Tensor((0..<Self.length).map { Float($0) }, shape: [1, 1, Self.length])
  }

  @Test("the largest elements and their indices are found axis by axis")
  func maximum() throws {
    let shape: Shape = [1, 1, Self.length]
    let last = (0..<Self.length).map { min($0 + Self.length / 2, Self.length - 1) }
    let x = try rising()
    let (name, values) = try run(Self.pool(.maximum), x, results: [.init(.float32, shape)])
    #expect(name == "swift:pool maximum by axes")
    #expect(values[0]?.floats == last.map { Float($0) })
    let (_, both) = try run(
      Self.pool(.maximum), x, results: [.init(.float32, shape), .init(.int64, shape)])
    #expect(both[0]?.floats == values[0]?.floats)
    #expect(both[1]?.integers == last)
  }

  @Test("so are means", arguments: [Pool.Kind.average, .averageIncludingPadding])
  func mean(kind: Pool.Kind) throws {
    let (name, values) = try run(
      Self.pool(kind), try rising(), results: [.init(.float32, [1, 1, Self.length])])
    #expect(name == "swift:pool \(kind.rawValue) by axes")
    let expected = (0..<Self.length).map { place in
      let (first, last) = (max(0, place - Self.length / 2), min(place + Self.length / 2, Self.length - 1))
      let sum = Double(first + last) / 2 * Double(last - first + 1)
      return Float(sum / Double(kind == .average ? last - first + 1 : Self.length + 1))
    }
    let tensor = try Tensor(expected, shape: [1, 1, Self.length])
    #expect(difference(try #require(values[0]), tensor) == nil)
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
