import CHost

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of the store. Changes are on the disk only after ``sync()``.
struct Directory {
  let path: String

  func callAsFunction(_ name: String) -> Directory { Directory(path: path + "/" + name) }

  /// Makes the folder, private to the user, and those above it; it may be there already.
  func create() throws {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw StoreError.system("create", path)
    }
    try Directory(path: String(path[..<slash])).create()
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw StoreError.system("create", path) }
  }

  /// The names in the folder, in no order; none when there is no such folder.
  func names() throws -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw StoreError.system("read", path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Waits until the folder's entries are on the disk.
  func sync() throws { try OpenFile(path, O_RDONLY | O_DIRECTORY).sync() }

  /// Moves the folder to where no folder is, or an empty one. At once, for whoever looks.
  func move(to target: Directory) throws {
    guard rename(path, target.path) == 0 else { throw StoreError.system("create", target.path) }
  }

  /// Puts the folder in another one's place, and that one in its own. At once, for whoever looks, where the file system
  /// can do that; else there is nothing at `target` for a moment.
  func exchange(with target: Directory) throws {
    if fi_file_exchange(path, target.path) == 0 { return }
    guard errno == EINVAL || errno == ENOSYS else { throw StoreError.system("replace", target.path) }
    let aside = Directory(path: path + ".old")
    try target.move(to: aside)
    do { try move(to: target) } catch {
      try? aside.move(to: target)
      throw error
    }
    try aside.move(to: self)
  }

  /// Removes the folder with all that is in it.
  func remove() throws {
    do { try FileManager.default.removeItem(atPath: path) } catch {
      if access(path, F_OK) == 0 {
        throw StoreError(.system(action: "remove", path: path, reason: "\(error)"))
      }
    }
  }

  /// Removes the folder when it is empty.
  func removeIfEmpty() { rmdir(path) }

  /// Bytes that the files in the folder, and in those below it, take on the disk.
  func byteCount() throws -> Int {
    try names().reduce(0) { sum, name in
      var status = stat()
      guard lstat(path + "/" + name, &status) == 0 else { return sum }
      if status.st_mode & S_IFMT == S_IFDIR { return sum + (try self(name).byteCount()) }
      return sum + Int(status.st_blocks) * 512
    }
  }
}
