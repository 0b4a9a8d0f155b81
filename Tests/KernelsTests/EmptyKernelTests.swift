import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Results without elements: another axis may have any size, and a plan of such values has no memory.
@Suite struct EmptyKernelTests {
  private func operand(_ type: ElementType, _ dims: [Int]) throws -> Operand {
    Operand(elementType: type, shape: try Shape(checking: dims), layout: .plain, source: .activation)
  }

  private func run(_ op: Op, _ operands: [Operand?], _ type: ElementType, _ dims: [Int]) throws {
    let device = try CPUDevice()
    let kernel = try device.makeKernel(
      KernelRequest(
        model: "m", node: "n", op: op, postOps: [], operands: operands,
        results: [KernelRequest.ResultType(type, try Shape(checking: dims))]))
    try kernel.run(
      KernelCall(operands: operands.map { _ in nil }, results: [nil], scratch: nil),
      on: device.makeBoundMemory(slots: 1), threads: 1)
  }

  @Test(.timeLimit(.minutes(1))) func levelsOfNothing() throws {
    let dims = [1 << 40, 4, 0]
    let (floats, levels) = (try operand(.float32, dims), try operand(.uint8, dims))
    let (scale, channels) = (try operand(.float32, []), try operand(.float32, [4]))
    let range = QuantizedRange(isSigned: false)
    try run(.quantize(to: .uint8), [floats, scale, nil], .uint8, dims)
    try run(.dequantize(), [levels, scale, nil], .float32, dims)
    try run(.levelAffine(axis: 1, zero: 0, range: range), [levels, channels, channels], .uint8, dims)
    try run(.levelTable, [levels, try operand(.uint8, [256])], .uint8, dims)
  }

  @Test func productsOfNoRows() throws {
    let weights = [try operand(.int8, [1, 8, 16]), try operand(.float32, [1, 1, 16])]
    try run(
      .smallProduct(SmallProduct(columns: 16, block: 8)), [try operand(.float32, [0, 8])] + weights + [nil],
      .float32, [0, 16])
  }
}
