import CHost
import Device
import Foundation
import Testing

/// Memory given back once kernels are made.
@Suite struct UnusedMemoryTests {
  @Test func libraryPagesAreLetGoOfAndComeBack() throws {
    let library = try #require(
      try HostMemoryMapping.all().first { $0.path.contains("libdnnl") && $0.flags.contains("ex") })
    // The last page of the code segment holds tables for exceptions, which nothing else reads meanwhile.
    let page = try #require(UnsafeRawPointer(bitPattern: library.addresses.upperBound - UInt(pageSize)))
    let before = page.load(as: UInt64.self)
    #expect(try isPresent(page))
    fi_library_forget(UnsafeRawPointer(bitPattern: library.addresses.lowerBound))
    #expect(try !isPresent(page))
    #expect(page.load(as: UInt64.self) == before)
  }

  @Test func anAddressOutsideOfLibrariesChangesNothing() throws {
    let stack = 7
    withUnsafePointer(to: stack) { fi_library_forget($0) }
    fi_library_forget(nil)
    #expect(stack == 7)
  }

  /// Returns true if a page of this process is mapped, by `/proc/self/pagemap`: the highest bit of a page's
  /// eight bytes.
  private func isPresent(_ page: UnsafeRawPointer) throws -> Bool {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/pagemap"))
    try file.seek(toOffset: UInt64(UInt(bitPattern: page)) / UInt64(pageSize) * 8)
    return try #require(try file.read(upToCount: 8)).last.map { $0 & 0x80 != 0 } ?? false
  }
}
