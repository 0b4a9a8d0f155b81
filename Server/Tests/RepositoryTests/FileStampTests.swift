import Foundation
import Repository
import Testing

@Suite struct FileStampTests {
  /// As a rotated key of the same length, written in place by a tool that keeps times.
  @Test func aFileThatIsWrittenInPlaceAndDatedBackHasAnotherStamp() async throws {
    let path = NSTemporaryDirectory() + "fusedinf-stamp-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    let before = try #require(FileStamp(path))
    #expect(FileStamp(path) == before)
    var status = stat()
    #expect(stat(path, &status) == 0)
    // The clock of files has ticks of some milliseconds.
    try await Task.sleep(for: .milliseconds(50))
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.write(contentsOf: Data("new".utf8))
    try file.close()
    let times = [status.st_atim, status.st_mtim]
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    #expect(FileStamp(path) != before)
  }

  @Test func aFileThatIsNotThereHasNone() {
    #expect(FileStamp("/no/such/file") == nil)
  }
}
