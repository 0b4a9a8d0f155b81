import Foundation
import ModelStore

/// The page cache's contents of a file.
enum PageCache {
  /// Asks the kernel to forget the file's pages, so that the next read comes from the disk.
  static func drop(_ file: CompiledModel) { posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED) }

  /// Reads what of the file is not in memory.
  static func fill(_ file: CompiledModel) {
    guard share(of: file) < 1 else { return }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 << 20, alignment: 4096)
    defer { piece.deallocate() }
    var offset: off_t = 0
    while case let count = pread(file.descriptor, piece.baseAddress, piece.count, offset), count > 0 {
      offset += off_t(count)
    }
  }

  /// The share of the file's pages that are in memory.
  static func share(of file: CompiledModel) -> Double {
    var status = stat()
    guard fstat(file.descriptor, &status) == 0, status.st_size > 0 else { return 0 }
    let byteCount = Int(status.st_size)
    guard let address = mmap(nil, byteCount, PROT_READ, MAP_SHARED, file.descriptor, 0), address != MAP_FAILED
    else { return 0 }
    defer { munmap(address, byteCount) }
    var pages = [UInt8](repeating: 0, count: (byteCount + 4095) / 4096)
    guard mincore(address, byteCount, &pages) == 0 else { return 0 }
    return Double(pages.count { $0 & 1 == 1 }) / Double(pages.count)
  }
}
