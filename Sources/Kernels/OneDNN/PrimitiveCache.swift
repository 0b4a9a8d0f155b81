import CKernelLibrary
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// oneDNN's cache of primitives, which is the process's. It serves while plans are made, whose kernels may be equal, and is
/// cleared after each.
///
/// A descriptor that the library finds in the cache may point into another one that is gone (oneDNN 3.2). That does no harm
/// where its primitive is found too. If the cache is cleared between the two, a primitive is compiled from freed memory: wrong
/// results, or a crash. So the cache is cleared only while no thread makes a kernel.
///
/// @unchecked Sendable: the lock never moves, and guards itself.
final class PrimitiveCache: @unchecked Sendable {
  static let shared = PrimitiveCache()

  /// More primitives than several large models have.
  private static let capacity: Int32 = 4096
  /// The most primitives that stay here though no plan has them.
  private static let mostStrays = 64
  private let strays = Atomic<Int>(0)
  private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

  private init() {
    lock.initialize(to: pthread_rwlock_t())
    pthread_rwlock_init(lock, nil)
  }

  /// Makes a kernel: descriptors, and the primitives of these. Re-entrant, for nobody ever waits to clear.
  func use<Result>(_ make: () throws -> Result) rethrows -> Result {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    return try make()
  }

  /// Makes a kernel for one run, which no plan counts. From time to time the cache is cleared of such.
  func useOnce<Result>(_ make: () throws -> Result) rethrows -> Result {
    if strays.wrappingAdd(1, ordering: .relaxed).newValue > Self.mostStrays { clear() }
    return try use(make)
  }

  /// Sets the capacity, once before the first primitive is made.
  /// - Throws: ``LibraryFailure``.
  func prepare() throws {
    try check(fi_dnnl_set_primitive_cache_capacity(Self.capacity), "dnnl_set_primitive_cache_capacity")
  }

  /// Drops all primitives that no kernel holds, unless another thread makes a kernel at this moment: its plan's end clears
  /// the cache then.
  func clear() {
    guard pthread_rwlock_trywrlock(lock) == 0 else { return }
    defer { pthread_rwlock_unlock(lock) }
    // Neither call fails: the library only refuses negative capacities.
    _ = fi_dnnl_set_primitive_cache_capacity(0)
    _ = fi_dnnl_set_primitive_cache_capacity(Self.capacity)
    strays.store(0, ordering: .relaxed)
  }
}
