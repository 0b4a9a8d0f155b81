import Device
import Linker
import ModelGraph
import Tensors
import Testing

/// Small kernels run on one thread: sharing them costs more than it gives.
@Suite("How many threads a kernel is worth") struct KernelWorkTests {
  static func request(_ op: Op, _ operands: [Shape], result: Shape) -> KernelRequest {
    KernelRequest(
      model: "test", node: "node", op: op,
      operands: operands.map { Operand(elementType: .float32, shape: $0) },
      results: [.init(.float32, result)])
  }

  static func convolution(channels: Int, size: Int, groups: Int = 1) -> KernelRequest {
    request(
      .convolution(
        Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit([1, 1, 1, 1]), groups: groups)),
      [[1, channels, size, size], [channels, channels / groups, 3, 3], [channels]],
      result: [1, channels, size, size])
  }

  @Test("a convolution by its arithmetic, not by its size alone")
  func convolutions() {
    // 64 · 64 · 9 · 56² = 116 million multiply-adds.
    #expect(Self.convolution(channels: 64, size: 56).worthwhileThreads(of: [1, 2, 4]) == [1, 2, 4])
    // 0.9 million.
    #expect(Self.convolution(channels: 32, size: 10).worthwhileThreads(of: [1, 2, 4]) == [1])
    // 1.8 million on 2.5 MB: moved once, which takes longer.
    #expect(Self.convolution(channels: 64, size: 56, groups: 64).worthwhileThreads(of: [1, 2]) == [1, 2])
  }

  @Test("a matrix product by its depth, whichever way the operands lie")
  func matrices() {
    let narrow = Self.request(.matrixMultiply(MatrixMultiply()), [[8, 64], [64, 64]], result: [8, 64])
    #expect(narrow.worthwhileThreads(of: [1, 2]) == [1])
    let deep = Self.request(
      .matrixMultiply(MatrixMultiply(transposeA: true)), [[4096, 64], [4096, 64]], result: [64, 64])
    #expect(deep.worthwhileThreads(of: [1, 2]) == [1, 2])
    // One row: bound by reading the weights.
    let row = Self.request(
      .matrixMultiply(MatrixMultiply()), [[1, 4096], [4096, 4096]], result: [1, 4096])
    #expect(row.worthwhileThreads(of: [1, 2]) == [1, 2])
  }

  @Test("a recurrent layer by its weights at every step")
  func recurrent() {
    func layer(steps: Int) -> KernelRequest {
      Self.request(
        .lstm(Recurrent(hiddenSize: 64, direction: .forward)),
        [[steps, 1, 64], [1, 256, 64], [1, 256, 64]], result: [steps, 1, 1, 64])
    }
    #expect(layer(steps: 1).worthwhileThreads(of: [1, 2]) == [1])
    #expect(layer(steps: 200).worthwhileThreads(of: [1, 2]) == [1, 2])
  }

  @Test("what only moves bytes by how many, and an empty request by nothing")
  func movement() {
    #expect(Self.request(.unary(.relu), [[1000]], result: [1000]).worthwhileThreads(of: [1, 2]) == [1])
    let large: Shape = [4, 256, 256]
    #expect(Self.request(.unary(.relu), [large], result: large).worthwhileThreads(of: [1, 2]) == [1, 2])
    let nothing = KernelRequest(model: "test", node: "node", op: .identity, operands: [nil], results: [nil])
    #expect(nothing.worthwhileThreads(of: [1, 2]) == [1])
  }
}
