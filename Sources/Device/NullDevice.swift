import Dispatch
import ModelGraph
import Tensors

/// The `null` device: no arithmetic. Every layout is plain, memory is a counter, what is read back is zeros.
///
/// It stands in for a machine where what is above the seam is tested: loads and kernels complete by themselves, or
/// by hand (`NullDevice+Control.swift`); each call of a kernel is checked for operands that lie outside of live
/// memory or overlap its results; what happened is told by ``events``.
public final class NullDevice: Device {
  public let target = Target(device: "null", instructionSet: "none", library: "null")
  let state: Locked<NullDeviceState>
  /// The device's own thread: where loads complete.
  let completions = DispatchQueue(label: "fusedinf.null-device")
  /// The queue on which a test's waits time out.
  let timers = DispatchQueue(label: "fusedinf.null-device.timers")
  private let scratchBytes: Int

  /// - Parameters:
  ///   - manualLoads: whether loads stay open until ``completeLoad(_:)`` or ``failLoad(_:_:)``.
  ///   - manualKernels: whether kernels hold their lane until ``completeKernel(_:)`` or ``failKernel(_:_:)``.
  ///   - memoryLimit: bytes of memory that the device has; what does not fit fails.
  ///   - scratchBytes: bytes of scratch memory that each kernel asks for.
  public init(
    manualLoads: Bool = false, manualKernels: Bool = false, memoryLimit: Int = .max, scratchBytes: Int = 0
  ) {
    state = Locked(
      NullDeviceState(
        manualLoads: manualLoads, manualKernels: manualKernels, memory: NullDeviceMemory(limit: memoryLimit)))
    self.scratchBytes = scratchBytes
  }

  // MARK: Kernels

  public func byteCount(of elementType: ElementType, _ shape: Shape, in layout: Layout) throws -> Int {
    try requirePlain(layout)
    guard let bytes = elementType.byteCount(of: shape.elementCount) else {
      throw DeviceError(.invalidArgument, "\(elementType)\(shape) is too large to be counted in bytes")
    }
    return bytes
  }

  public func packing(for request: KernelRequest) throws -> [Layout?] {
    request.operands.map { _ in nil }
  }

  public func pack(_ tensor: Tensor, as layout: Layout) throws -> TensorBuffer {
    try requirePlain(layout)
    return try tensor.withUnsafeBytes { bytes in
      try TensorBuffer(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
    }
  }

  public func makeKernel(_ request: KernelRequest) throws -> any Kernel {
    try NullKernel(request, on: self, scratchBytes: scratchBytes)
  }

  public func makeReorder(_ request: KernelRequest, to layout: Layout) throws -> any Kernel {
    try requirePlain(layout)
    return try NullKernel(request, on: self, scratchBytes: 0, isReorder: true)
  }

  private func requirePlain(_ layout: Layout) throws {
    guard layout == .plain else {
      throw DeviceError(.invalidArgument, "the null device has the plain layout only")
    }
  }

  // MARK: Memory

  public func allocate(byteCount: Int) throws -> MemoryHandle {
    try update { state in
      let handle = try state.memory.claim(byteCount, name: nil)
      state.events.append(.allocated(byteCount: state.memory.byteCount(of: handle)))
      return handle
    }
  }

  public func release(_ handle: MemoryHandle) {
    update { state in
      guard let block = state.memory.free(handle) else {
        state.misuses.append("memory \(handle.rawValue) was released that is not there")
        return
      }
      state.events.append(.released(name: block.name, byteCount: block.byteCount))
    }
  }

  public func load(
    _ request: LoadRequest, completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void
  ) {
    let load: NullDeviceLoad? = update { state in
      state.events.append(.loadStarted(name: request.name))
      let load = NullDeviceLoad(
        request: request, memory: Result { try state.memory.claim(request) }, completion: completion)
      guard state.manualLoads, case .success = load.memory else { return load }
      state.openLoads.append(load)
      return nil
    }
    if let load { completions.async { self.finish(load, with: nil) } }
  }

  public func isIntact(_ handle: MemoryHandle) -> Bool {
    state.withLock { $0.memory.isIntact(handle) }
  }

  public func makeBoundMemory(slots: Int) -> any BoundMemory { NullMemory(slots: slots, of: self) }

  public func write(
    _ bytes: UnsafeRawBufferPointer, to location: Location, of memory: any BoundMemory
  ) throws {
    _ = try NullMemory.of(memory).range(of: location, byteCount: bytes.count)
  }

  public func read(
    _ bytes: UnsafeMutableRawBufferPointer, from location: Location, of memory: any BoundMemory
  ) throws {
    _ = try NullMemory.of(memory).range(of: location, byteCount: bytes.count)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }
}
