#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The right to change a store, held by one process and one thread at a time. It ends with the object, or the process.
final class StoreLock {
  private let file: OpenFile

  /// Waits for the lock.
  /// - Parameter seconds: how long at most.
  /// - Throws: ``StoreError`` of kind `locked` when it is not free until then.
  init(path: String, seconds: Int) throws {
    file = try OpenFile(path, O_RDWR | O_CREAT)
    for _ in 0...seconds * StoreLock.attemptsPerSecond {
      if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return }
      guard errno == EWOULDBLOCK || errno == EINTR else { throw StoreError.system("lock", path) }
      usleep(UInt32(1_000_000 / StoreLock.attemptsPerSecond))
    }
    throw StoreError(.locked(path: path, seconds: seconds))
  }

  private static let attemptsPerSecond = 50
}
