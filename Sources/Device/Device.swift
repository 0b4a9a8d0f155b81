import ModelGraph
import Tensors

/// The seam between plans and a machine: memory, a way in for weights, and kernels chosen for a target.
///
/// Everything speaks of device memory by handle and offset. Methods may be called from any thread; none blocks for
/// long but ``Kernel/run(_:on:threads:)``.
public protocol Device: AnyObject, Sendable {
  /// The target that compiled models for this device are packed for.
  var target: Target { get }

  // Kernels.
  /// Bytes that a tensor takes in `layout`.
  func byteCount(of elementType: ElementType, _ shape: Shape, in layout: Layout) throws -> Int
  /// The layouts that the request's kernel would like its weight operands to be packed in, in the operands' order;
  /// `nil` where the plain layout serves. Weights in the request are plain.
  func packing(for request: KernelRequest) throws -> [Layout?]
  /// The bytes of `tensor` in `layout`.
  func pack(_ tensor: Tensor, as layout: Layout) throws -> TensorBuffer
  /// A kernel for the request.
  /// - Throws: ``DeviceError`` when there is none, or the kernel library fails.
  func makeKernel(_ request: KernelRequest) throws -> any Kernel
  /// A kernel that copies operand 0 of the request (an ``Op/identity``) into its result with another layout.
  func makeReorder(_ request: KernelRequest, to layout: Layout) throws -> any Kernel
  /// Gives back to the system what choosing and making kernels left behind. Called when a plan of a model
  /// was made, on the thread that did; kernels may run meanwhile.
  func giveBackUnused()

  /// Prepares the calling thread, and threads that it starts, for kernels: how they treat subnormal numbers, say.
  /// - Returns: what ``endComputing(_:)`` puts back.
  func beginComputing() -> UInt
  /// Puts the calling thread back to what it was before ``beginComputing()``.
  func endComputing(_ before: UInt)
  /// Returns true if the device has a kernel for `op` with operands and results of these element types, at some sizes.
  func hasKernel(for op: Op, operands: [ElementType?], results: [ElementType?]) -> Bool

  // Memory.
  /// Allocates anonymous device memory whose pages are present; `byteCount` is rounded up to whole pages.
  func allocate(byteCount: Int) throws -> MemoryHandle
  /// Frees what ``allocate(byteCount:)`` or a load gave. Nothing uses it any more.
  func release(_ handle: MemoryHandle)
  /// Brings an extent in. `completion` is called once, on a thread of the device's own or on one that
  /// assists (``assistLoads()``).
  func load(_ request: LoadRequest, completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void)
  /// Carries out loads that were asked for, on the calling thread, for about as long as it takes to wait for another
  /// thread that does. For a lane that is about to compute and has loads to wait for.
  func assistLoads()
  /// True unless memory behind `handle` could not be read while it was in use (a file cut short, an I/O error):
  /// what was computed from it is worthless then.
  func isIntact(_ handle: MemoryHandle) -> Bool
  /// True when the extent behind `handle` was not in the page cache: its load waited for storage.
  func cameFromStorage(_ handle: MemoryHandle) -> Bool
  /// An empty memory table of `slots` slots.
  func makeBoundMemory(slots: Int) -> any BoundMemory
  /// Copies bytes from the host to device memory.
  func write(_ bytes: UnsafeRawBufferPointer, to location: Location, of memory: any BoundMemory) throws
  /// Copies bytes from device memory to the host.
  func read(_ bytes: UnsafeMutableRawBufferPointer, from location: Location, of memory: any BoundMemory)
    throws
}

/// The size that device memory is counted in: what it takes is rounded up to whole pages of this many bytes.
public let pageSize = 4096

/// `byteCount` rounded up to whole pages; the largest `Int` of whole pages if there are more.
public func roundedToPages(_ byteCount: Int) -> Int {
  byteCount.adding(saturating: pageSize - 1) & ~(pageSize - 1)
}

extension Device {
  public func giveBackUnused() {}
  public func beginComputing() -> UInt { 0 }
  public func endComputing(_ before: UInt) {}
  public func hasKernel(for op: Op, operands: [ElementType?], results: [ElementType?]) -> Bool { true }
  public func assistLoads() {}
  public func cameFromStorage(_ handle: MemoryHandle) -> Bool { false }
}
