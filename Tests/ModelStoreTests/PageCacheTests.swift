import Foundation
import ModelStore
import Testing

/// Checking files takes nothing from those that run.
@Suite struct PageCacheTests {
  /// Pages of the file that are in the page cache.
  private func cachedPages(of descriptor: Int32, bytes: Int) throws -> Int {
    let mapping = try #require(mmap(nil, bytes, PROT_READ, MAP_SHARED, descriptor, 0))
    defer { munmap(mapping, bytes) }
    var pages = [UInt8](repeating: 0, count: (bytes + 4095) / 4096)
    try #require(mincore(mapping, bytes, &pages) == 0)
    return pages.count { $0 & 1 != 0 }
  }

  @Test func checkingWeightsBringsNoneIntoThePageCache() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/model"
    try writeModel(path, [TestWeight("large", count: 4_000_000, seed: 1)])
    let descriptor = Glibc.open(path, O_RDONLY)
    defer { close(descriptor) }
    let bytes = Int(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
    #expect(fsync(descriptor) == 0 && posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    let model = try CompiledModel.open(path)
    let before = try cachedPages(of: descriptor, bytes: bytes)
    try #require(before < bytes / 4096 / 4, "the file system keeps nothing but its cache")
    try model.verifyWeights()
    #expect(try cachedPages(of: descriptor, bytes: bytes) == before)
  }
}
