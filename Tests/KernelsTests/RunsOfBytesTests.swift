import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// A kernel's part offsets point to the bytes of its parts.
@Suite struct RunsOfBytesTests {
  static let device = try? CPUDevice()

  private func operand(_ dims: [Int], _ layout: Layout) throws -> Operand {
    Operand(elementType: .float32, shape: try Shape(checking: dims), layout: layout)
  }

  /// The library's blocked layout, or the plain one.
  private func layout(_ dims: [Int], blocked: Bool) throws -> Layout {
    guard blocked else { return .plain }
    let device = try #require(Self.device)
    return try #require(try libraryLayouts(of: try Shape(checking: dims), on: device).first)
  }

  /// Runs the kernel; checks that the bytes of `parts` are those of `whole` from the offsets on.
  private func expect(
    _ whole: Tensor, _ layout: Layout, holds parts: [(tensor: Tensor, layout: Layout)], at offsets: [Int]
  ) throws {
    let device = try #require(Self.device)
    let bytes = try packedBytes(whole, as: layout, on: device)
    for (part, offset) in zip(parts, offsets) {
      let packed = try packedBytes(part.tensor, as: part.layout, on: device)
      #expect(bytes.dropFirst(offset).starts(with: packed))
    }
  }

  @Test(arguments: [true, false]) func concatenationOfChannels(blocked: Bool) throws {
    let device = try #require(Self.device)
    let dims = [[1, 32, 7, 7], [1, 16, 7, 7], [1, 64, 7, 7]]
    let operands = try dims.map { try operand($0, layout($0, blocked: blocked)) }
    let request = KernelRequest(
      model: "test", node: "concat", op: .concat(axis: 1), operands: operands,
      results: [.init(.float32, [1, 112, 7, 7])])
    let kernel = try device.makeKernel(request)
    let offsets = try #require(kernel.partOffsets)
    #expect(offsets == [0, 32 * 49 * 4, 48 * 49 * 4])
    #expect(kernel.operandLayouts == operands.map(\.layout))
    let tensors = try dims.enumerated().map { try noise($1, seed: UInt64($0)) }
    var run = KernelRun(kernel, request, on: device)
    let whole = try #require(try run.results(tensors)[0])
    try expect(whole, kernel.resultLayouts[0], holds: Array(zip(tensors, kernel.operandLayouts)), at: offsets)
  }

  @Test(arguments: [true, false]) func splitOfChannels(blocked: Bool) throws {
    let device = try #require(Self.device)
    let dims = [1, 64, 5, 5]
    let sizes = Operand(immediate: try Tensor([16, 48] as [Int64], shape: [2]))
    let request = KernelRequest(
      model: "test", node: "split", op: .split(axis: -3),
      operands: [try operand(dims, layout(dims, blocked: blocked)), sizes],
      results: [.init(.float32, [1, 16, 5, 5]), .init(.float32, [1, 48, 5, 5])])
    let kernel = try device.makeKernel(request)
    let offsets = try #require(kernel.resultOffsets)
    #expect(offsets == [0, 16 * 25 * 4])
    let x = try noise(dims, seed: 1)
    var run = KernelRun(kernel, request, on: device)
    let parts = try run.results([x, nil]).map { try #require($0) }
    try expect(x, kernel.operandLayouts[0], holds: Array(zip(parts, kernel.resultLayouts)), at: offsets)
  }

  @Test(arguments: [true, false]) func sliceOfChannels(blocked: Bool) throws {
    let device = try #require(Self.device)
    let dims = [1, 64, 5, 5]
    let bounds = try [32, 64, 1].map { Operand(immediate: try Tensor([Int64($0)], shape: [1])) }
    let request = KernelRequest(
      model: "test", node: "slice", op: .slice,
      operands: [try operand(dims, layout(dims, blocked: blocked))] + bounds,
      results: [.init(.float32, [1, 32, 5, 5])])
    let kernel = try device.makeKernel(request)
    #expect(kernel.resultOffsets == [32 * 25 * 4])
    let x = try noise(dims, seed: 1)
    var run = KernelRun(kernel, request, on: device)
    let part = try #require(try run.results([x, nil, nil, nil])[0])
    try expect(x, kernel.operandLayouts[0], holds: [(part, kernel.resultLayouts[0])], at: [32 * 25 * 4])
  }

  /// Of several images, or along an axis further in, the bytes lie in pieces.
  @Test(
    arguments: [
      ([2, 32, 4, 4], 1, true), ([2, 32, 4, 4], 1, false), ([1, 32, 4, 4], 2, true),
      ([1, 32, 4, 4], 3, false),
    ])
  func piecesAreCopied(dims: [Int], axis: Int, blocked: Bool) throws {
    let device = try #require(Self.device)
    let part = try operand(dims, layout(dims, blocked: blocked))
    var dims = dims
    dims[axis] *= 2
    let whole = try operand(dims, layout(dims, blocked: blocked))
    let concat = try device.makeKernel(concat([part, part], axis, whole))
    #expect(concat.partOffsets == nil && concat.resultLayouts == [whole.layout])
    let split = try device.makeKernel(split(whole, axis, [part, part]))
    #expect(split.resultOffsets == nil && split.operandLayouts == [whole.layout])
  }

  @Test func blocksThatWouldBeCutAreMadePlain() throws {
    let device = try #require(Self.device)
    let part = try operand([1, 20, 4, 4], layout([1, 20, 4, 4], blocked: true))
    let whole = try operand([1, 40, 4, 4], layout([1, 40, 4, 4], blocked: true))
    let concat = try device.makeKernel(concat([part, part], 1, whole))
    #expect(concat.operandLayouts == [.plain, .plain] && concat.partOffsets == [0, 20 * 16 * 4])
    let split = try device.makeKernel(split(whole, 1, [part, part]))
    #expect(split.operandLayouts == [.plain] && split.resultOffsets == [0, 20 * 16 * 4])
  }

  private func concat(_ parts: [Operand], _ axis: Int, _ whole: Operand) -> KernelRequest {
    KernelRequest(
      model: "test", node: "concat", op: .concat(axis: axis), operands: parts,
      results: [.init(.float32, whole.shape)])
  }

  private func split(_ whole: Operand, _ axis: Int, _ parts: [Operand]) -> KernelRequest {
    KernelRequest(
      model: "test", node: "split", op: .split(axis: axis), operands: [whole],
      results: parts.map { .init(.float32, $0.shape) })
  }

  @Test func aConcatenationWithSomethingLeftToDoRuns() throws {
    let device = try #require(Self.device)
    let part = try operand([1, 32, 4, 4], .plain)
    let request = KernelRequest(
      model: "test", node: "concat", op: .concat(axis: 1), postOps: [.unary(.relu)], operands: [part, part],
      results: [.init(.float32, [1, 64, 4, 4])])
    #expect(try device.makeKernel(request).partOffsets == nil)
    #expect(try #require(try PortableKernel.make(request)).partOffsets == nil)
  }
}
