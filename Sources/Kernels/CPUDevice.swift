import CHost
import Device
import ModelGraph
import Tensors

/// The `cpu` device: oneDNN primitives, and Swift for what oneDNN does not have.
public final class CPUDevice: Device {
  public let target: Target
  private let engine: OneDNNEngine
  private let memory: HostMemoryPool
  private let subnormals: Subnormals

  /// - Parameter subnormals: how kernels treat them.
  /// - Throws: ``DeviceError`` when oneDNN has no CPU engine.
  public init(subnormals: Subnormals = .flush) throws {
    self.subnormals = subnormals
    engine = try OneDNNEngine()
    memory = HostMemoryPool()
    target = engine.target
  }

  public func byteCount(of elementType: ElementType, _ shape: Shape, in layout: Layout) throws -> Int {
    try engine.byteCount(of: elementType, shape, in: layout)
  }

  public func packing(for request: KernelRequest) throws -> [Layout?] {
    try PrimitiveCache.shared.use { try engine.packing(for: request) } ?? request.operands.map { _ in nil }
  }

  public func pack(_ tensor: Tensor, as layout: Layout) throws -> TensorBuffer {
    try PrimitiveCache.shared.use { try engine.pack(tensor, as: layout) }
  }

  public func makeKernel(_ request: KernelRequest) throws -> any Kernel {
    if let kernel = try PrimitiveCache.shared.use({ try engine.makeKernel(request) }) { return kernel }
    if let kernel = try PortableKernel.make(request) {
      // Weights stay as they were packed: for a library that had a kernel for them then.
      let isFitting = zip(request.operands, kernel.operandLayouts).allSatisfy { operand, layout in
        operand.map { !$0.isWeight || $0.layout == layout } ?? true
      }
      guard isFitting else {
        throw DeviceError(.unsupported, "has packed weights, which oneDNN no longer takes", in: request)
      }
      return kernel
    }
    throw DeviceError(.unsupported, "the cpu device has no kernel for this", in: request)
  }

  public func makeReorder(_ request: KernelRequest, to layout: Layout) throws -> any Kernel {
    try PrimitiveCache.shared.use { try engine.makeReorder(request, to: layout) }
  }

  public func beginComputing() -> UInt { fi_floats_flush(subnormals == .flush ? 1 : 0) }
  public func endComputing(_ before: UInt) { fi_floats_restore(before) }

  public func hasKernel(for op: Op, operands: [ElementType?], results: [ElementType?]) -> Bool {
    PortableKernel.exists(for: op, operands: operands, results: results)
  }

  public func giveBackUnused() { engine.giveBackUnused() }

  public func allocate(byteCount: Int) throws -> MemoryHandle { try memory.allocate(byteCount: byteCount) }

  public func release(_ handle: MemoryHandle) { memory.release(handle) }

  public func load(
    _ request: LoadRequest, completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void
  ) {
    memory.load(request, completion: completion)
  }

  public func assistLoads() { memory.assistMapping() }

  public func isIntact(_ handle: MemoryHandle) -> Bool { memory.isIntact(handle) }
  public func cameFromStorage(_ handle: MemoryHandle) -> Bool { memory.cameFromStorage(handle) }

  public func makeBoundMemory(slots: Int) -> any BoundMemory { HostMemory(slots: slots, pool: memory) }

  public func write(_ bytes: UnsafeRawBufferPointer, to location: Location, of memory: any BoundMemory) throws
  {
    let target = UnsafeMutableRawBufferPointer(
      start: try HostMemory.of(memory).pointer(location), count: bytes.count)
    target.copyMemory(from: bytes)
  }

  public func read(
    _ bytes: UnsafeMutableRawBufferPointer, from location: Location, of memory: any BoundMemory
  ) throws {
    bytes.copyMemory(
      from: UnsafeRawBufferPointer(start: try HostMemory.of(memory).pointer(location), count: bytes.count))
  }
}
