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

  @Test("one that follows a shared kernel at once is shared when it is smaller, one that comes later is not")
  func waitingThreads() {
    var sharing = ThreadSharing()
    let large = Self.convolution(channels: 64, size: 56)
    // 75 µs, and 2.
    let medium = Self.convolution(channels: 64, size: 10)
    let small = Self.convolution(channels: 16, size: 7)
    func next(_ request: KernelRequest) -> [Int] {
      let counts = sharing.counts(for: request, of: [1, 2, 4])
      sharing.runs(request, with: counts)
      return counts
    }
    #expect(next(medium) == [1], "the threads sleep")
    #expect(next(large) == [1, 2, 4])
    #expect(next(medium) == [1, 2, 4], "they wait")
    #expect(next(small) == [1])
    #expect(next(medium) == [1, 2, 4], "they still wait")
    for _ in 0..<25 { #expect(next(small) == [1]) }
    #expect(next(medium) == [1, 2, 4], "they wait for longer than the small ones took")
    for _ in 0..<75 { #expect(next(small) == [1]) }
    #expect(next(medium) == [1], "they have gone to sleep")
  }

  @Test("small ones that follow one another wake the threads if they are large together")
  func together() {
    let medium = Self.convolution(channels: 64, size: 10)
    let time = medium.estimatedMicroseconds
    func first(_ expected: [Double]) -> [Int] {
      ThreadSharing(expected: expected).counts(for: medium, of: [1, 2])
    }
    #expect(first([time]) == [1])
    #expect(first([Double](repeating: time, count: 6)) == [1, 2], "\(time)")
    // They sleep before there is enough.
    #expect(first([time, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, time, time, time, time, time]) == [1])
    var sharing = ThreadSharing(expected: [500, time])
    sharing.goOn()
    #expect(sharing.counts(for: medium, of: [1, 2]) == [1], "what is over does not count")
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
    #expect(Self.convolution(channels: 64, size: 56).isShared())
    // 0.9 million.
    #expect(Self.convolution(channels: 32, size: 10).isShared() == false)
    // 1.8 million on 2.5 MB: moved once, which takes longer.
    #expect(Self.convolution(channels: 64, size: 56, groups: 64).isShared())
  }

  @Test("a product of bytes takes a quarter of the time of one of floats")
  func bytes() {
    var request = Self.convolution(channels: 64, size: 56)
    let floats = request.estimatedMicroseconds
    for index in 0..<2 { request.operands[index]?.elementType = index == 0 ? .uint8 : .int8 }
    #expect(request.estimatedMicroseconds == floats / 4)
  }

  @Test("a matrix product by its depth, whichever way the operands lie")
  func matrices() {
    let narrow = Self.request(.matrixMultiply(MatrixMultiply()), [[8, 64], [64, 64]], result: [8, 64])
    #expect(narrow.isShared() == false)
    let deep = Self.request(
      .matrixMultiply(MatrixMultiply(transposeA: true)), [[4096, 64], [4096, 64]], result: [64, 64])
    #expect(deep.isShared())
    // One row: bound by reading the weights.
    let row = Self.request(
      .matrixMultiply(MatrixMultiply()), [[1, 4096], [4096, 4096]], result: [1, 4096])
    #expect(row.isShared())
  }

  @Test("a recurrent layer by its weights at every step, each of which must be worth it")
  func recurrent() {
    func layer(steps: Int, size: Int) -> KernelRequest {
      Self.request(
        .lstm(Recurrent(hiddenSize: size, direction: .forward)),
        [[steps, 1, size], [1, 4 * size, size], [1, 4 * size, size]], result: [steps, 1, 1, size])
    }
    #expect(layer(steps: 1, size: 64).isShared() == false)
    // 262 µs, in 800 parts.
    #expect(layer(steps: 400, size: 64).isShared() == false)
    // 671 µs, in 8 parts.
    #expect(layer(steps: 4, size: 1024).isShared())
  }

  @Test("what only moves bytes by how many, and an empty request by nothing")
  func movement() {
    #expect(Self.request(.unary(.relu), [[1000]], result: [1000]).isShared() == false)
    let large: Shape = [4, 256, 256]
    #expect(Self.request(.unary(.relu), [large], result: large).isShared())
    let nothing = KernelRequest(model: "test", node: "node", op: .identity, operands: [nil], results: [nil])
    #expect(nothing.isShared() == false)
  }
}

extension KernelRequest {
  /// Returns true if the kernel would be shared even though the threads sleep.
  fileprivate func isShared() -> Bool { ThreadSharing().counts(for: self, of: [1, 2]).count > 1 }
}
