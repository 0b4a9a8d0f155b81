import Foundation
import InferenceProtocol

/// A part of a POSIX shared-memory object that a client has made. Open as long as this object lives.
///
/// It is read and written through its descriptor and never mapped: a client that cuts the object short meanwhile gets an
/// error, where a mapping would be touched beyond its end. To copy is what both ways cost.
final class SharedMemoryObject: Sendable {
  let region: SharedMemoryRegions.Region
  private let descriptor: Int32

  /// - Throws: ``ServiceError``: the key is none, there is no such object, or it is too short.
  init(_ region: SharedMemoryRegions.Region) throws {
    self.region = region
    let name = try SharedMemoryObject.objectName(region.key)
    guard region.offset >= 0, region.byteCount > 0 else {
      throw ServiceError(
        .invalidRequest,
        "shared-memory region '\(shown(region.name))': \(region.byteCount) bytes from offset \(region.offset) on are no region"
      )
    }
    // Follows no link, and is closed in programs that this one starts (both by glibc's documentation).
    descriptor = shm_open("/" + name, O_RDWR, 0)
    guard descriptor >= 0 else {
      throw ServiceError(
        .invalidRequest,
        "shared-memory region '\(shown(region.name))': cannot open the object '\(shown(region.key))': \(SharedMemoryObject.reason(errno))"
      )
    }
    try checkSize()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Fills `bytes` from the region's byte `offset` on. Both are known to lie in the region.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    try forEachPart(of: bytes.count) { done in
      pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, position(offset, done))
    }
  }

  /// Writes `bytes` from the region's byte `offset` on. Both are known to lie in the region.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    // Writing past the end would make the object longer again.
    try checkSize()
    try forEachPart(of: bytes.count) { done in
      pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, position(offset, done))
    }
  }

  /// Sums that do not overflow: the region's end was checked when it was registered.
  private func position(_ offset: Int, _ done: Int) -> off_t { off_t(region.offset + offset + done) }

  private func forEachPart(of count: Int, _ transfer: (Int) -> Int) throws {
    var done = 0
    while done < count {
      let part = transfer(done)
      if part < 0, errno == EINTR { continue }
      guard part >= 0 else {
        throw ServiceError(
          .failed,
          "shared-memory region '\(shown(region.name))' cannot be used: \(SharedMemoryObject.reason(errno))")
      }
      guard part > 0 else { throw tooShort() }
      done += part
    }
  }

  private func checkSize() throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ServiceError(
        .invalidRequest,
        "shared-memory region '\(shown(region.name))': '\(shown(region.key))' is not a shared-memory object")
    }
    let (end, overflow) = region.offset.addingReportingOverflow(region.byteCount)
    guard !overflow, end <= status.st_size else { throw tooShort() }
  }

  private func tooShort() -> ServiceError {
    ServiceError(
      .invalidRequest,
      "shared-memory region '\(shown(region.name))': the object '\(shown(region.key))' is shorter than the "
        + "\(region.byteCount) bytes from offset \(region.offset) on")
  }

  private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

  /// The object's name in a key: one name, which a slash may stand before.
  private static func objectName(_ key: String) throws -> Substring {
    let name = key.hasPrefix("/") ? key.dropFirst() : key[...]
    guard !name.isEmpty, name.utf8.count <= Int(NAME_MAX), name != ".", name != "..",
      !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
    else {
      throw ServiceError(
        .invalidRequest,
        "'\(shown(key))' is not the key of a shared-memory object: a name without slashes, optionally after one leading slash"
      )
    }
    return name
  }
}
