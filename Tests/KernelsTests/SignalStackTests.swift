import CHost
import Device
import Foundation
import Kernels
import ModelGraph
import Tensors
import Testing

/// Signals never write over what a kernel keeps below its stack pointer.
@Suite struct SignalStackTests {
  private static var isOnThread: Bool {
    var stack = stack_t()
    return sigaltstack(nil, &stack) == 0 && stack.ss_flags & Int32(SS_DISABLE) == 0
  }

  @Test func everyThreadTakesSignalsOnAStackOfItsOwn() async {
    let onThread = await withCheckedContinuation { answer in
      Thread { answer.resume(returning: Self.isOnThread) }.start()
    }
    #expect(onThread)
  }

  @Test func threadsOfTheKernelLibraryDoToo() throws {
    _ = try CPUDevice()
    var found = [Bool](repeating: false, count: 4)
    found.withUnsafeMutableBytes { found in
      fi_openmp_parallel(
        4,
        { argument, part, _ in
          argument?.storeBytes(of: Self.isOnThread, toByteOffset: Int(part), as: Bool.self)
        },
        found.baseAddress)
    }
    #expect(found == [true, true, true, true])
  }

  // weights  loaded | cut to half |
  // product          ............. reads them | heap whole
  /// The library's GEMM for AVX2 computes with its stack pointer in a heap block.
  @Test(arguments: [1, 2]) func aProductWhoseWeightsAreCutShortLeavesTheHeapWhole(threads: Int) async {
    await #expect(processExitsWith: .success) { [threads] in
      setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1)
      let device = try CPUDevice()
      let (rows, depth, columns) = (2, 4096, 10)
      let request = KernelRequest(
        model: "test", node: "product", op: .matrixMultiply(MatrixMultiply()),
        operands: [
          Operand(elementType: .float32, shape: try Shape(checking: [rows, depth])),
          Operand(elementType: .float32, shape: try Shape(checking: [depth, columns])),
        ], results: [.init(.float32, try Shape(checking: [rows, columns]))], threads: [threads])
      let kernel = try device.makeKernel(request)
      #expect(kernel.implementation.contains("gemm"))
      let pages = depth * columns * 4 / pageSize
      for _ in 0..<50 {
        let file = try HostMemoryFile(pages: pages)
        let weights = try await withCheckedThrowingContinuation { loaded in
          device.load(file.request(0..<pages, .mapped)) { loaded.resume(with: $0) }
        }
        file.truncate(pages: pages / 2)
        let arena = try device.allocate(byteCount: 2 * pageSize * 16 + kernel.scratchBytes)
        let memory = device.makeBoundMemory(slots: 2)
        try memory.attach(MemorySpan(arena), to: 0)
        try memory.attach(MemorySpan(weights), to: 1)
        try kernel.run(
          KernelCall(
            operands: [Location(slot: 0, offset: 0), Location(slot: 1, offset: 0)],
            results: [Location(slot: 0, offset: rows * depth * 4)],
            scratch: kernel.scratchBytes > 0 ? Location(slot: 0, offset: 2 * pageSize * 16) : nil),
          on: memory, threads: threads)
        #expect(!device.isIntact(weights))
        device.release(arena)
        device.release(weights)
      }
    }
  }
}
