import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Tables of trees are weights, whose file may be damaged while a model runs.
@Suite("Tables of trees") struct TreeTableTests {
  static let device = try? CPUDevice()

  /// x[1] < 0.5 ? 3 : −1, as slots of threshold, split and next.
  private static let slots: [Int32] = [
    word(0.5), split(1, TreeSlots.lessPasses), 1, word(3), 0, 1, word(-1), 0, 2,
  ]

  private static func word(_ number: Float) -> Int32 { Int32(bitPattern: number.bitPattern) }

  private static func split(_ feature: UInt32, _ bits: UInt32) -> Int32 {
    Int32(bitPattern: feature << TreeSlots.featureShift | bits | TreeSlots.isBranch)
  }

  private func answers(_ slots: [Int32], root: Int32 = 0, rows: Int = 5) throws -> [Float]? {
    let device = try #require(Self.device)
    let x = try Tensor((0..<2 * rows).map { Float($0 / 2 % 2) }, shape: Shape(checking: [rows, 2]))
    let operands = [
      x, try Tensor(slots, shape: Shape(checking: [slots.count / 3, 3])), try Tensor([root], shape: [1]),
    ]
    let request = KernelRequest(
      model: "m", node: "n", op: .trees(targets: 1, aggregation: .sum, depth: 1),
      operands: operands.map { Operand(elementType: $0.elementType, shape: $0.shape) },
      results: [.init(.float32, try Shape(checking: [rows, 1]))])
    var run = KernelRun(try device.makeKernel(request), request, on: device)
    return try run.results(operands)[0]?.floats
  }

  @Test("rows go down together or alone", arguments: [1, 3, 4, 5, 64, 67])
  func walk(rows: Int) throws {
    #expect(try answers(Self.slots, rows: rows) == (0..<rows).map { $0 % 2 == 0 ? 3 : -1 })
  }

  @Test("a slot or a feature that is not there is an error", arguments: [1, 2, 3, 4, 5, 64, 67])
  func damage(rows: Int) throws {
    for (place, value) in [(2, 3), (2, -1), (2, .max), (1, Self.split(2, 4)), (1, -1)] as [(Int, Int32)] {
      var slots = Self.slots
      slots[place] = value
      #expect(throws: DeviceError.self) { try answers(slots, rows: rows) }
    }
    #expect(throws: DeviceError.self) { try answers(Self.slots, root: -1, rows: rows) }
  }
}
