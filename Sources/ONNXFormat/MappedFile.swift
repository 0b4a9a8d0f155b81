import CHost
import Glibc

/// A file's bytes, mapped read-only and shared with the page cache: nothing is read until it is accessed. If
/// another program truncates the file meanwhile, reads return zeros, and the file counts as broken from then
/// on.
///
/// @unchecked Sendable: the mapping is made once, only read, and ends with the last reference.
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer
  private let guardNumber: Int32

  /// The system's reason for a refusal.
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
      guardNumber = -1
      return
    }
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw Failure(reason: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: memory, count: size)
    guardNumber = fi_guard_set(memory, size)
    guard guardNumber >= 0 else {
      munmap(memory, size)
      throw Failure(reason: "too many files are mapped at the same time")
    }
  }

  /// True when a page could not be read.
  var isBroken: Bool { guardNumber >= 0 && fi_guard_broken(guardNumber) }

  deinit {
    // In this order: once the address space is free, another file may get it, with a guard of its own.
    if guardNumber >= 0 { fi_guard_clear(guardNumber) }
    if let memory = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: memory), bytes.count) }
  }
}
