import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Sizes for which the library builds large tables, searches for long, or has only plain loops.
@Suite struct WideKernelTests {
  private func kernel(_ op: Op, _ shapes: [Shape], result: Shape) throws -> any Kernel {
    let operands = shapes.map {
      Operand(elementType: .float32, shape: $0, layout: .plain, source: .activation)
    }
    return try CPUDevice().makeKernel(
      KernelRequest(
        model: "m", node: "n", op: op, postOps: [], operands: operands + [nil],
        results: [KernelRequest.ResultType(.float32, result)]))
  }

  private func bytes(of kernel: any Kernel) -> Int {
    kernel.sharedParts.reduce(kernel.footprint) { $0 + $1.byteCount }
  }

  @Test(
    "a wide convolution keeps no tables for its places",
    arguments: [(7, [256, 65_536], 65_999), (1, [4, 4], 65_537), (3, [10, 11], 65_536)])
  func convolution(dilation: Int, pads: [Int], width: Int) throws {
    let input = width - pads[0] - pads[1] + 7 * dilation
    let made = try kernel(
      .convolution(
        Convolution(strides: [1], dilations: [dilation], padding: .explicit(pads), groups: 1)),
      [[2, 16, input], [8, 16, 8]], result: [2, 8, width])
    #expect(!made.implementation.hasPrefix("brgconv:"))
    #expect(bytes(of: made) < 1 << 20)
  }

  @Test("tables of a convolution that is not as wide are counted")
  func countedTables() throws {
    let made = try kernel(
      .convolution(Convolution(strides: [1], dilations: [9], padding: .explicit([32, 31]), groups: 1)),
      [[2, 100, 2000], [17, 100, 8]], result: [2, 17, 2000])
    // 2.3 KiB a place are measured.
    if made.implementation.hasPrefix("brgconv:") { #expect(bytes(of: made) > 2000 * 2048) }
  }

  @Test("no plain loops of the library's run where others are faster")
  func plainLoops() throws {
    let grouped = try kernel(
      .convolution(
        Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]), groups: 8)),
      [[1, 8, 32, 2047], [32, 1, 15, 224]], result: [1, 32, 18, 1824])
    #expect(!grouped.implementation.contains("ref:any"))
  }

  @Test("a wide deconvolution gets a kernel that is found without a search")
  func deconvolution() throws {
    let window = Convolution(strides: [1], dilations: [1], padding: .explicit([0, 7]), groups: 1)
    let made = try kernel(
      .deconvolution(Deconvolution(window: window, outputPadding: [0], outputShape: nil)),
      [[1, 64, 65_536], [64, 8, 64]], result: [1, 8, 65_592])
    #expect(!made.implementation.contains("brg"))
    #expect(!made.implementation.contains("ref:any"))
  }

  @Test("padding keeps no tables, however long the axis", arguments: [PadMode.edge, .reflect, .wrap])
  func padding(mode: PadMode) throws {
    let pads = try Tensor([Int64(1 << 24), Int64(1 << 25)], shape: [2])
    let x = Operand(elementType: .uint8, shape: [3], layout: .plain, source: .activation)
    let made = try CPUDevice().makeKernel(
      KernelRequest(
        model: "m", node: "n", op: .pad(mode), postOps: [], operands: [x, Operand(immediate: pads)],
        results: [KernelRequest.ResultType(.uint8, [(3 << 24) + 3])]))
    #expect(bytes(of: made) < 4096)
  }
}
