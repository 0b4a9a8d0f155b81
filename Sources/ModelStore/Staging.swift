#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of its own for one change: what is in it is nothing to the store until the folder, or a file of it, is
/// moved to its place. A lock that its process holds tells it from what a dead process left.
final class Staging {
  let directory: Directory
  /// Holds the folder's lock.
  private let owner: OpenFile

  /// - Parameter lock: held, so that nobody clears the folder away before it is locked.
  init(in parent: Directory, holding lock: StoreLock) throws {
    try parent.create()
    var template = Array((parent.path + "/XXXXXX").utf8CString)
    guard let path = mkdtemp(&template).map({ String(cString: $0) }) else {
      throw StoreError.system("create a folder in", parent.path)
    }
    directory = Directory(path: path)
    owner = try OpenFile(path, O_RDONLY | O_DIRECTORY)
    guard flock(owner.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw StoreError.system("lock", path) }
  }

  // Files that were moved away are gone from here; files that stayed are unwanted.
  deinit { try? directory.remove() }

  /// Removes what processes left that ended in the middle of a change.
  static func clear(_ parent: Directory, holding lock: StoreLock) throws {
    for name in try parent.names() {
      guard let owner = try? OpenFile(parent(name).path, O_RDONLY | O_DIRECTORY) else { continue }
      if flock(owner.descriptor, LOCK_EX | LOCK_NB) == 0 { try parent(name).remove() }
    }
  }
}
