import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Statistics of random kernels. The numbers of a seed never change, so that these tests do not fail by chance.
@Suite("Random numbers") struct RandomTests {
  static let device = try? CPUDevice()

  private func run(
    _ op: Op, _ operand: Tensor, result type: ElementType, _ sizes: [Int], threads: Int = 1
  ) throws -> Tensor {
    let device = try #require(Self.device)
    let request = KernelRequest(
      model: "m", node: "n", op: op,
      operands: [Operand(elementType: operand.elementType, shape: operand.shape)],
      results: [.init(type, try Shape(checking: sizes))])
    var run = KernelRun(try device.makeKernel(request), request, on: device)
    return try #require(try run.results([operand], threads: threads)[0])
  }

  private func numbers(_ op: Op, _ type: ElementType, count: Int, threads: Int = 1) throws -> [Double] {
    let shape = try Tensor([Int64(count)], shape: [1])
    let tensor = try run(op, shape, result: type, [count], threads: threads)
    return try tensor.floats?.map { Double($0) } ?? tensor.elements(as: Double.self)
  }

  /// The mean, the variance and the correlation of neighbours.
  private func moments(_ numbers: [Double]) -> (mean: Double, variance: Double, correlation: Double) {
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let centred = numbers.map { $0 - mean }
    let variance = centred.reduce(0) { $0 + $1 * $1 } / Double(numbers.count)
    let products = zip(centred, centred.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    return (mean, variance, products / Double(numbers.count) / variance)
  }

  @Test(
    "uniform numbers fill their range",
    arguments: [ElementType.float16, .bfloat16, .float32, .float64], [0, 1, -7])
  func uniform(type: ElementType, seed: Int) throws {
    let numbers = try numbers(.random(uniform: (-2, 4), seed: seed, type), type, count: 100_001)
    let (mean, variance, correlation) = moments(numbers)
    #expect(abs(mean - 1) < 0.03 && abs(variance - 3) < 0.05 && abs(correlation) < 0.02)
    #expect(numbers.allSatisfy { $0 >= -2 && $0 <= 4 })
    #expect(numbers.contains { $0 < -1.99 } && numbers.contains { $0 > 3.99 })
    if type.bitWidth >= 32 { #expect(!numbers.contains(4)) }
  }

  @Test(
    "normal numbers have their mean and deviation",
    arguments: [ElementType.float16, .float32, .float64], [0, 1, -7])
  func normal(type: ElementType, seed: Int) throws {
    let numbers = try numbers(.random(mean: 1, deviation: 2, seed: seed, type), type, count: 100_001)
    let (mean, variance, correlation) = moments(numbers)
    #expect(abs(mean - 1) < 0.03 && abs(variance - 4) < 0.1 && abs(correlation) < 0.02)
    // 68.3 % of the numbers lie within one deviation, 95.4 % within two.
    for (deviations, share) in [(1.0, 0.6827), (2.0, 0.9545)] {
      let near = numbers.count { abs($0 - 1) < 2 * deviations }
      #expect(abs(Double(near) / Double(numbers.count) - share) < 0.01)
    }
  }

  @Test("a seed gives the same numbers, whatever the threads and the number of elements")
  func seeds() throws {
    for op in [
      Op.random(uniform: (0, 1), seed: 3, .float32), .random(mean: 0, deviation: 1, seed: 3, .float32),
    ] {
      let one = try numbers(op, .float32, count: 1001)
      #expect(try numbers(op, .float32, count: 1001, threads: 4) == one)
      #expect(try numbers(op, .float32, count: 77) == Array(one.prefix(77)))
    }
    let one = try numbers(.random(uniform: (0, 1), seed: 3, .float32), .float32, count: 1000)
    let other = try numbers(.random(uniform: (0, 1), seed: 4, .float32), .float32, count: 1000)
    #expect(Set(one).intersection(other).count < 10)
  }

  @Test("classes are drawn as often as their probability says", arguments: [ElementType.int32, .int64])
  func classes(type: ElementType) throws {
    let probabilities: [Float] = [0.1, 0, 0.6, 0.3]
    let logits = try Tensor([-2.302585, -.infinity, -0.5108256, -1.2039728] as [Float], shape: [1, 4])
    let samples = 100_000
    let drawn = try run(
      .randomClasses(samples: samples, seed: 9, type), logits, result: type, [1, samples])
    let classes = try #require(drawn.integers)
    for (index, probability) in probabilities.enumerated() {
      let share = Double(classes.count { $0 == index }) / Double(samples)
      #expect(abs(share - Double(probability)) < 0.01 && (probability > 0 || share == 0))
    }
  }

  @Test("a row without a class that can be drawn is an error") func impossible() throws {
    let logits = try Tensor([-Float.infinity, .nan], shape: [1, 2])
    #expect(throws: DeviceError.self) {
      try run(.randomClasses(samples: 1, seed: 0, .int64), logits, result: .int64, [1, 1])
    }
  }
}
