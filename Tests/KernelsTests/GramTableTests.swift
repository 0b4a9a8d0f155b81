import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Tables of n-grams are weights, whose file may be damaged while a model runs.
@Suite("Tables of n-grams") struct GramTableTests {
  static let device = try? CPUDevice()

  /// The n-grams 2, 3 and 2-3 in columns 0, 1 and 2.
  private static let (tokens, children, columns): ([Int64], [Int64], [Int64]) = (
    [2, 3, 3], [2, 3, 3, 3], [0, 1, 2]
  )

  private func answers(children: [Int64] = Self.children, columns: [Int64] = Self.columns) throws -> [Float]?
  {
    let device = try #require(Self.device)
    let operands = [
      try Tensor([2, 3, 2, 2, 3, 9] as [Int64], shape: [2, 3]), try Tensor(Self.tokens, shape: [3]),
      try Tensor(children, shape: [4]), try Tensor(columns, shape: [3]),
    ]
    let request = KernelRequest(
      model: "m", node: "n",
      op: .gramCounts(
        GramCounts(width: 3, minimumLength: 1, maximumLength: 2, skips: 1, onlyPresence: false)),
      operands: operands.map { Operand(elementType: $0.elementType, shape: $0.shape) },
      results: [.init(.float32, [2, 3])])
    var run = KernelRun(try device.makeKernel(request), request, on: device)
    return try run.results(operands)[0]?.floats
  }

  @Test("rows have their counts") func counts() throws {
    #expect(try answers() == [2, 1, 1, 1, 1, 1])
  }

  @Test("edges or columns that are not there are an error", arguments: [-1, 4, Int64.max, .min])
  func damage(number: Int64) throws {
    for place in 0..<2 {
      var children = Self.children
      children[place] = number
      #expect(throws: DeviceError.self) { try answers(children: children) }
    }
    if number > 0 {
      #expect(throws: DeviceError.self) { try answers(columns: [number, 1, 2]) }
    }
  }
}
