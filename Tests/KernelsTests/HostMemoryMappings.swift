import Device
import Foundation
import Kernels

/// One line of `/proc/self/smaps` with what follows it: the process's mappings as the kernel sees them.
struct HostMemoryMapping {
  var addresses: Range<UInt>
  var path: String
  var rss = 0
  var flags: Set<Substring> = []

  static func all() throws -> [HostMemoryMapping] {
    var mappings: [HostMemoryMapping] = []
    // `String(contentsOfFile:)` stops at the first short read, which for this file is its first page.
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
    let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      let ends = fields[0].split(separator: "-").map { UInt($0, radix: 16) }
      if ends.count == 2, let start = ends[0], let end = ends[1] {
        mappings.append(
          HostMemoryMapping(addresses: start..<end, path: fields.dropFirst(5).joined(separator: " ")))
      } else if fields[0] == "Rss:" {
        mappings[mappings.count - 1].rss = (Int(fields[1]) ?? 0) * 1024
      } else if fields[0] == "VmFlags:" {
        mappings[mappings.count - 1].flags = Set(fields.dropFirst())
      }
    }
    return mappings
  }

  /// The mapping that `address` lies in.
  static func at(_ address: UnsafeRawPointer) throws -> HostMemoryMapping? {
    try all().first { $0.addresses.contains(UInt(bitPattern: address)) }
  }
}

/// A file of pages whose bytes follow from their place, opened for reading; removed and closed with the object.
final class HostMemoryFile: Sendable {
  let path: String
  let descriptor: Int32

  /// - Parameter pages: the file's length in pages of 4096 bytes.
  init(pages: Int) throws {
    path = NSTemporaryDirectory() + "fusedinf-host-memory-\(UUID().uuidString)"
    try Data(HostMemoryFile.bytes(0..<pages * pageSize)).write(to: URL(fileURLWithPath: path))
    descriptor = open(path, O_RDWR)
    // Dirty pages cannot leave the page cache.
    fsync(descriptor)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  static func bytes(_ range: Range<Int>) -> [UInt8] {
    // A page is its number, then one byte over and over.
    [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
      let pages = range.lowerBound / pageSize..<(range.upperBound + pageSize - 1) / pageSize
      count = range.count
      for page in pages {
        let start = max(page * pageSize - range.lowerBound, 0)
        let end = min((page + 1) * pageSize - range.lowerBound, range.count)
        UnsafeMutableBufferPointer(rebasing: bytes[start..<end]).initialize(repeating: UInt8(page * 37 % 251))
        for digit in 0..<4 where page * pageSize + digit - range.lowerBound < end {
          let place = page * pageSize + digit - range.lowerBound
          if place >= 0 { bytes[place] = UInt8(truncatingIfNeeded: page >> (8 * digit)) }
        }
      }
    }
  }

  func truncate(pages: Int) { ftruncate(descriptor, pages * pageSize) }

  func request(_ pages: Range<Int>, _ way: LoadRequest.Way) -> LoadRequest {
    LoadRequest(
      name: "pages \(pages)", descriptor: descriptor, file: self, path: path,
      offset: pages.lowerBound * pageSize,
      byteCount: pages.count * pageSize, way: way)
  }
}

extension HostMemoryPool {
  func loaded(_ request: LoadRequest) async throws -> MemoryHandle {
    try await withCheckedThrowingContinuation { continuation in
      load(request) { continuation.resume(with: $0) }
    }
  }

  func bytes(of handle: MemoryHandle, count: Int) throws -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: try address(of: handle), count: count))
  }
}
