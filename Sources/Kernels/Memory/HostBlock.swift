import CHost
import Device

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Anonymous memory in whole pages; given back to the system when the last reference goes.
final class HostBlock: Sendable {
  let address: UInt
  /// Whole pages of memory behind `address`.
  let byteCount: Int

  /// Maps memory whose pages are not there yet.
  /// - Throws: ``DeviceError`` when the system has no more, or no size in whole pages holds `byteCount`.
  init(byteCount: Int, name: String) throws {
    guard byteCount >= 0, byteCount <= Int.max - pageSize else {
      throw DeviceError(.memory, "\(byteCount) bytes of memory were asked for")
    }
    self.byteCount = roundedToPages(byteCount)
    var start: UnsafeMutableRawPointer?
    let status =
      byteCount == 0
      ? fi_memory_reserve(pageSize, &start) : fi_memory_map(self.byteCount, name, &start)
    guard status == 0, let start else { throw HostBlock.outOfMemory(byteCount, status) }
    address = UInt(bitPattern: start)
  }

  deinit {
    _ = fi_memory_unmap(UnsafeMutableRawPointer(bitPattern: address), max(byteCount, pageSize))
  }

  /// Makes a part's pages present, zeroed.
  func populate(_ range: Range<Int>) throws {
    guard !range.isEmpty else { return }
    let start = UnsafeMutableRawPointer(bitPattern: address + UInt(range.lowerBound))
    let status = fi_memory_populate(start, range.count)
    guard status == 0 else { throw HostBlock.outOfMemory(byteCount, status) }
  }

  private static func outOfMemory(_ byteCount: Int, _ status: Int32) -> DeviceError {
    DeviceError(
      .memory,
      "cannot allocate \(byteCount) bytes: \(systemError(status)); a smaller budget leaves other programs more room"
    )
  }
}

/// Returns the system's message for an errno value.
func systemError(_ status: Int32) -> String { String(cString: strerror(status)) }
