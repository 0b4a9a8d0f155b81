import Device
import Foundation
import Kernels
import ModelGraph
import Tensors
import Testing

/// Resident bytes of memory that are no file's: how much of the library's code is there hangs on the page cache.
private func anonymousBytes() throws -> Int {
  let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
  let pages = fields.compactMap { Int($0) }
  try #require(pages.count > 2)
  return (pages[1] - pages[2]) * pageSize
}

/// The memory that kernels have in common while oneDNN's cache of primitives holds it.
@Suite struct PrimitiveCacheTests {
  /// A product whose result another tensor is added to: the library's descriptors of it point to one another.
  private func request(_ rows: Int) throws -> KernelRequest {
    let x = Operand(elementType: .float32, shape: [rows, 12], layout: .plain, source: .activation)
    let w = Operand(immediate: try Tensor((0..<72).map { Float($0) }, shape: [12, 6]))
    let added = Operand(elementType: .float32, shape: [rows, 6], layout: .plain, source: .activation)
    return KernelRequest(
      model: "m", node: "n", op: .matrixMultiply(MatrixMultiply()), postOps: [.binary(.add, operand: 3)],
      operands: [x, w, nil, added], ownOperandCount: 3,
      results: [KernelRequest.ResultType(.float32, [rows, 6])])
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

  @Test(
    "kernels that runs make where a number was lost stay few, however many runs there are",
    .disabled(if: AddressSanitizer.watches))
  func strays() async throws {
    await #expect(processExitsWith: .success) {
      let device = try CPUDevice()
      let w = Operand(immediate: try Tensor((0..<4096).map { Float($0) }, shape: [64, 64]))
      var runs: [(run: KernelRun, x: Tensor)] = []
      // The largest first, so that the hole which a result leaves in the heap has room for the next one.
      for rows in (1...400).reversed() {
        let x = Operand(elementType: .float32, shape: [rows, 64], layout: .plain, source: .activation)
        let request = KernelRequest(
          model: "m", node: "n", op: .matrixMultiply(MatrixMultiply()), postOps: [.unary(.relu)],
          operands: [x, w, nil], results: [KernelRequest.ResultType(.float32, [rows, 64])])
        runs.append(
          (
            KernelRun(try device.makeKernel(request), request, on: device),
            try Tensor([Float](repeating: .nan, count: rows * 64), shape: [rows, 64])
          ))
      }
      device.giveBackUnused()
      let before = try anonymousBytes()
      for (run, x) in runs {
        var run = run
        let y = try #require(try run.results([x, nil, nil])[0])
        #expect(y.floats?.allSatisfy(\.isNaN) == true)
      }
      // 64 of them take 6 MB with AVX-512, 400 would take 30.
      #expect(try anonymousBytes() - before < 16 << 20)
    }
  }
}
