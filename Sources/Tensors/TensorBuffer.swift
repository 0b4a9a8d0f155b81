#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that tensors look at: owned and 64-byte aligned, or borrowed from something that is kept alive.
///
/// @unchecked Sendable: the bytes never change after the initialiser that fills them has returned.
public final class TensorBuffer: @unchecked Sendable {
  /// The bytes.
  public let bytes: UnsafeRawBufferPointer
  private let owned: UnsafeMutableRawPointer?
  private let owner: AnyObject?

  /// Allocates `byteCount` bytes and lets `fill` write all of them.
  /// - Throws: ``TensorError`` when there is no memory for them, or what `fill` throws.
  public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, max(byteCount, 1)) == 0, let memory else {
      throw TensorError(.outOfMemory(byteCount))
    }
    owned = memory
    owner = nil
    bytes = UnsafeRawBufferPointer(start: memory, count: byteCount)
    // Every property is set by now, so `deinit` frees the memory when this throws.
    try fill(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
  }

  /// Looks at bytes that `owner` keeps alive and unchanged (a mapped file, say). They need not be aligned.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
    owned = nil
  }

  deinit { free(owned) }
}
