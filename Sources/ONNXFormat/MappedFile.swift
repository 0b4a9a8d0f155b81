import Glibc

/// A file's bytes, mapped read-only and shared with the page cache: nothing is read before it is looked at.
///
/// @unchecked Sendable: the mapping is made once, only read, and ends with the last reference.
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer

  /// What the system says when it refuses.
  struct Failure: Error { var reason: String }

  /// Maps the regular file at `path`. Never waits: a pipe or a device is refused.
  init(_ path: String) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Failure(reason: String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(reason: "it is not a regular file") }
    self.path = path
    guard let size = Int(exactly: status.st_size), size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw Failure(reason: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: memory, count: size)
  }

  deinit {
    if let memory = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: memory), bytes.count) }
  }
}
