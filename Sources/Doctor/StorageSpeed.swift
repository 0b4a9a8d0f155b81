import Foundation

/// The speed at which files of a folder are read and mapped.
struct StorageSpeed {
  /// From the disk, past the page cache.
  let readBytesPerSecond: Double
  /// To map 64 MiB that are in the page cache, and touch every page.
  let mapSeconds: Double

  private static let size = 64 << 20

  /// Writes a file that is gone again afterwards. `nil` when it cannot be written.
  init?(measuredIn folder: String) {
    let path = folder + "/.fusedinf-doctor-\(getpid())"
    let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    defer { close(file) }
    unlink(path)
    var piece = [UInt8](repeating: 0, count: 8 << 20)
    // No zeros, and nothing twice: some disks and file systems make less of them.
    var generator = SystemRandomNumberGenerator()
    for index in stride(from: 0, to: piece.count, by: 64) {
      piece[index] = UInt8.random(in: 0...255, using: &generator)
    }
    for index in 0..<StorageSpeed.size / piece.count {
      piece[1] = UInt8(index)
      guard write(file, piece, piece.count) == piece.count else { return nil }
    }
    guard fsync(file) == 0, posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0 else { return nil }
    let clock = ContinuousClock()
    var isRead = true
    let reading = clock.measure {
      for index in 0..<StorageSpeed.size / piece.count {
        isRead = isRead && pread(file, &piece, piece.count, off_t(index * piece.count)) == piece.count
      }
    }
    guard isRead else { return nil }
    var sum: UInt64 = 0
    var isMapped = false
    let mapping = clock.measure {
      guard let address = mmap(nil, StorageSpeed.size, PROT_READ, MAP_SHARED, file, 0), address != MAP_FAILED
      else { return }
      // MADV_POPULATE_READ; where it is missing, touching does the same.
      _ = madvise(address, StorageSpeed.size, 22)
      for offset in stride(from: 0, to: StorageSpeed.size, by: 4096) {
        sum &+= UInt64(address.load(fromByteOffset: offset, as: UInt8.self))
      }
      isMapped = munmap(address, StorageSpeed.size) == 0
    }
    guard isMapped, sum > 0 else { return nil }
    readBytesPerSecond = Double(StorageSpeed.size) / max(1e-9, reading / .seconds(1))
    mapSeconds = mapping / .seconds(1)
  }
}
