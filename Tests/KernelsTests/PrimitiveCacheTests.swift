import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// The memory that kernels have in common while oneDNN's cache of primitives holds it.
@Suite struct PrimitiveCacheTests {
  /// A product whose result another tensor is added to: the library's descriptors of it point to one another.
  private func request(_ rows: Int) throws -> KernelRequest {
    let x = Operand(elementType: .float32, shape: [rows, 12], layout: .plain, source: .activation)
    let w = Operand(immediate: try Tensor((0..<72).map { Float($0) }, shape: [12, 6]))
    let added = Operand(elementType: .float32, shape: [rows, 6], layout: .plain, source: .activation)
    return KernelRequest(
      model: "m", node: "n", op: .matrixMultiply(MatrixMultiply()), postOps: [.binary(.add, operand: 3)],
      operands: [x, w, nil, added], results: [KernelRequest.ResultType(.float32, [rows, 6])])
  }

  @Test("equal kernels have equal footprints, and different ones share no part")
  func sharedParts() throws {
    let device = try CPUDevice()
    let kernels = try (1...20).map { try device.makeKernel(try request($0)) }
    for (index, kernel) in kernels.enumerated() where !kernel.sharedParts.isEmpty {
      let equal = try device.makeKernel(try request(index + 1))
      #expect(equal.footprint == kernel.footprint)
      #expect(equal.sharedParts.map(\.byteCount) == kernel.sharedParts.map(\.byteCount))
      for other in kernels[..<index] {
        #expect(Set(other.sharedParts).isDisjoint(with: kernel.sharedParts))
      }
    }
    // Batch-reduced products, convolutions among them, take the most.
    let most = kernels.map { $0.footprint + $0.sharedParts.reduce(0) { $0 + $1.byteCount } }.max() ?? 0
    #expect(most >= 28 << 10)
  }
}
