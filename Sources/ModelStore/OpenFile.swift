import CHost

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that is open; closed with the last reference. Errors name the path.
final class OpenFile: Sendable {
  let descriptor: Int32
  let path: String

  /// - Parameter flags: of `open(2)`; `O_CLOEXEC` is added.
  init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws {
    let descriptor = open(path, flags | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw StoreError.system("open", path) }
    self.descriptor = descriptor
    self.path = path
  }

  /// Takes over an open descriptor.
  private init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Returns the same file with reads that bypass the page cache, so that reading every file evicts no page
  /// in use. Returns this file if the file system does not support that.
  ///
  /// Ranges that are read have to be whole pages.
  func pastPageCache() -> OpenFile {
    var descriptor: Int32 = -1
    guard fi_file_open_direct(self.descriptor, &descriptor) == 0 else { return self }
    let direct = OpenFile(descriptor, path: path)
    // Some file systems, and disks with larger sectors, refuse only when they are asked to read.
    let isRead = try? direct.forEachPiece(of: 0..<WeightIndex.pageSize) { _ in }
    return isRead == nil ? self : direct
  }

  func status() throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw StoreError.system("read", path) }
    return status
  }

  /// Fills `buffer` from `offset` on; the bytes that the file had.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw StoreError.system("read", path) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// The bytes of `range`, or those of it that the file has.
  func bytes(_ range: Range<Int>) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      count = try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
    }
  }

  /// Calls `body` with the file's bytes in `range`, a few MiB at a time; false when the file ends before the range.
  func forEachPiece(of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(min(range.count, 4 << 20), 1), alignment: WeightIndex.pageSize)
    defer { buffer.deallocate() }
    var offset = range.lowerBound
    while offset < range.upperBound {
      let wanted = min(buffer.count, range.upperBound - offset)
      let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      guard count == wanted else { return false }
      offset += count
    }
    return true
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw writeError(errno, missing: bytes.count - done) }
      done += count
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  /// Waits until the file is on the disk.
  func sync() throws {
    guard fsync(descriptor) == 0 else { throw writeError(errno, missing: 0) }
  }

  private func writeError(_ number: Int32, missing: Int) -> StoreError {
    guard [ENOSPC, EDQUOT, EFBIG].contains(number) else { return .system("write", path, number) }
    let free = fi_file_system_free(descriptor)
    return StoreError(.noSpace(path: path, needed: missing, free: free < 0 ? nil : Int(free)))
  }
}

extension StoreError {
  /// The error for a system call that failed, with what the system says about it.
  static func system(_ action: String, _ path: String, _ number: Int32 = errno) -> StoreError {
    StoreError(.system(action: action, path: path, reason: String(cString: strerror(number))))
  }
}
