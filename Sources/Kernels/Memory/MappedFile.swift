import CHost
import Device

/// Address space for one file, in which its extents are mapped read-only and in place: an extent lies at the same
/// distance from the reservation's start as from the file's, so neighbours become one mapping, and what starts at a
/// multiple of 2 MiB in the file does so in memory.
///
/// A guard watches it: once a page could not be read, the whole file is broken, and stays so in this reservation.
final class MappedFile: Sendable {
  /// Names a file: the same object and descriptor are the same file.
  struct Key: Hashable, Sendable {
    private let file: ObjectIdentifier
    private let descriptor: Int32

    init(_ request: LoadRequest) {
      file = ObjectIdentifier(request.file)
      descriptor = request.descriptor
    }
  }

  let key: Key
  let address: UInt
  private let byteCount: Int
  private let guardNumber: Int32
  /// Keeps the descriptor open and the key unique.
  private let file: any AnyObject & Sendable
  /// Parts of the file that are mapped, or about to be, ascending.
  private let claims = Locked<[Range<Int>]>([])

  /// Reserves address space for all of the file.
  init(_ request: LoadRequest) throws {
    key = Key(request)
    file = request.file
    byteCount = roundedToPages(try request.fileSize())
    var start: UnsafeMutableRawPointer?
    let status = fi_memory_reserve(byteCount, &start)
    guard status == 0, let start else {
      throw request.failure("no \(byteCount) bytes of address space: \(systemError(status))")
    }
    guardNumber = fi_guard_set(start, byteCount)
    guard guardNumber >= 0 else {
      _ = fi_memory_unmap(start, byteCount)
      throw request.failure("too many files are mapped at the same time")
    }
    address = UInt(bitPattern: start)
  }

  deinit {
    // In this order: once the address space is free, another file may get it, with a guard of its own.
    fi_guard_clear(guardNumber)
    _ = fi_memory_unmap(pointer(0), byteCount)
  }

  /// True when a page could not be read.
  var isBroken: Bool { fi_guard_broken(guardNumber) }

  /// Claims a part of the file; false when some of it is taken, or lies outside of the reservation.
  func claim(_ range: Range<Int>) -> Bool {
    claims.withLock { claims in
      guard range.upperBound <= byteCount else { return false }
      let index = claims.firstIndex { $0.upperBound > range.lowerBound } ?? claims.endIndex
      guard index == claims.endIndex || claims[index].lowerBound >= range.upperBound else { return false }
      claims.insert(range, at: index)
      return true
    }
  }

  /// Gives a claimed part back; true when it was the last.
  func yield(_ range: Range<Int>) -> Bool {
    claims.withLock { claims in
      claims.removeAll { $0 == range }
      return claims.isEmpty
    }
  }

  /// Maps claimed parts that follow each other, as one mapping.
  func map(_ range: Range<Int>, for request: LoadRequest) throws {
    let status = fi_memory_map_file(
      pointer(range.lowerBound), range.count, request.descriptor, Int64(range.lowerBound))
    guard status == 0 else { throw request.failure(systemError(status)) }
  }

  /// Makes a mapped part's pages present.
  /// - Throws: ``DeviceError`` when they cannot be read.
  func populate(_ range: Range<Int>, for request: LoadRequest, asksKernel: Bool) throws {
    let status = fi_memory_populate_file(pointer(range.lowerBound), range.count, asksKernel)
    guard status == 0 else { throw request.failure(systemError(status)) }
    guard !isBroken else { throw request.failure("a page of the file cannot be read") }
  }

  /// Leaves address space where a part was mapped.
  func unmap(_ range: Range<Int>) { _ = fi_memory_unmap_file(pointer(range.lowerBound), range.count) }

  private func pointer(_ offset: Int) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(bitPattern: address + UInt(offset))
  }
}
