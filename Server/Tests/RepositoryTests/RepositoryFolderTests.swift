import Foundation
import Repository
import Testing

/// A folder of this test's own, removed with it.
private final class Folder {
  let path = NSTemporaryDirectory() + "fusedinf-folder-\(UInt64.random(in: 0 ..< .max))"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String = "x") throws {
    let target = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: target)
  }

  func models() throws -> [String: String] {
    let found = try RepositoryFolder(path: path).look().models
    return Dictionary(
      uniqueKeysWithValues: found.map { ($0.name, String($0.path.dropFirst(path.count + 1))) })
  }
}

@Suite(.timeLimit(.minutes(5))) struct RepositoryFolderTests {
  @Test func modelsLieAsFilesAsFoldersAndAsTritonHasThem() throws {
    let folder = try Folder()
    for name in [
      "plain.onnx", "dotted.v1.onnx", "own/model.onnx", "triton/1/model.onnx", "triton/9/model.onnx",
      "triton/10/model.onnx",
      "triton/11/readme.txt", "triton/config.pbtxt", "both.onnx", "both/1/model.onnx",
    ] { try folder.write(name) }
    #expect(
      try folder.models() == [
        "plain": "plain.onnx", "dotted.v1": "dotted.v1.onnx", "own": "own/model.onnx",
        "triton": "triton/10/model.onnx",
        "both": "both.onnx",
      ])
  }

  @Test func whatIsHiddenUnfinishedOrNoModelIsLeftAlone() throws {
    let folder = try Folder()
    for name in [
      ".a.onnx", "a.onnx~", ".a.onnx.part", "a.onnx.part", "a.onnx.tmp", "a.yaml", "a.txt", "empty/readme",
      ".git/model.onnx",
      "b/-1/model.onnx", "c/01/model.onnx", "d/.1/model.onnx",
    ] { try folder.write(name) }
    try FileManager.default.createDirectory(
      atPath: folder.path + "/e.onnx", withIntermediateDirectories: true)
    mkfifo(folder.path + "/f.onnx", 0o600)
    #expect(try folder.models().isEmpty)
  }

  @Test(arguments: [
    "a.onnx", "a.onnx.data", "a.bin", "a.yaml", "b/1/model.onnx", "b/1/weights/w.bin",
  ])
  func aChangeOfAnyFileOfAModelIsSeen(changed: String) throws {
    let folder = try Folder()
    for name in ["a.onnx", "a.onnx.data", "a.bin", "a.yaml", "b/1/model.onnx", "b/1/weights/w.bin"] {
      try folder.write(name)
    }
    func fingerprints() throws -> [String: String] {
      let models = try RepositoryFolder(path: folder.path).look().models
      return Dictionary(uniqueKeysWithValues: models.map { ($0.name, $0.fingerprint) })
    }
    let before = try fingerprints()
    #expect(try fingerprints() == before)
    try folder.write(changed, "longer")
    let name = String(changed.prefix(1))
    let after = try fingerprints()
    #expect(after[name] != before[name])
    #expect(after.filter { $0.key != name } == before.filter { $0.key != name })
  }

  @Test func aFolderThatCannotBeReadIsNoEmptyFolder() {
    #expect(throws: (any Error).self) { try RepositoryFolder(path: "/no/such/folder").look() }
  }

  @Test(arguments: [false, true]) func changesAreNoticed(isPolling: Bool) async throws {
    let folder = try Folder()
    let watch = FolderWatch(isPolling: isPolling, pollInterval: .milliseconds(20))
    #expect(watch.isPolling == isPolling)
    #expect(watch.watch([folder.path]) == !isPolling)
    #expect(!watch.watch([folder.path]), "nothing is new the second time")
    let (batches, send) = AsyncStream.makeStream(of: FolderWatch.Batch.self)
    watch.start { send.yield($0) }
    try folder.write("a.onnx")
    for await batch in batches where isPolling || batch.closed.contains(folder.path + "/a.onnx") { break }
    watch.stop()
  }

  /// Watches the folder; what it sees comes as batches.
  private func watched(_ folder: Folder) -> (FolderWatch, AsyncStream<FolderWatch.Batch>) {
    let watch = FolderWatch(isPolling: false, pollInterval: .seconds(1))
    _ = watch.watch([folder.path])
    let (batches, send) = AsyncStream.makeStream(of: FolderWatch.Batch.self)
    watch.start { send.yield($0) }
    return (watch, batches)
  }

  /// A new file, open for writing.
  private func opened(_ path: String) throws -> FileHandle {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    return try #require(FileHandle(forWritingAtPath: path))
  }

  @Test func aFileThatIsWrittenAllTheTimeHidesNothing() async throws {
    let folder = try Folder()
    let (watch, batches) = watched(folder)
    let path = folder.path + "/a.onnx"
    let file = try opened(path)
    let (writes, begin) = AsyncStream.makeStream(of: Void.self)
    let writer = Thread {
      for _ in 0..<20_000 where !Thread.current.isCancelled {
        try? file.write(contentsOf: Data([1]))
        Thread.sleep(forTimeInterval: 0.001)
      }
      begin.finish()
    }
    writer.start()
    try folder.write("b.onnx")
    for await batch in batches where batch.closed.contains(folder.path + "/b.onnx") { break }
    #expect(!writer.isFinished)
    writer.cancel()
    for await _ in writes {}
    watch.stop()
  }

  @Test func aWriterIsKnownUntilItCloses() async throws {
    let folder = try Folder()
    let (watch, batches) = watched(folder)
    let path = folder.path + "/a.onnx"
    let file = try opened(path)
    try file.write(contentsOf: Data([1]))
    var events = batches.makeAsyncIterator()
    var batch = try #require(await events.next())
    while !batch.written.contains(path) { batch = try #require(await events.next()) }
    #expect(!batch.closed.contains(path), "it is still open")
    try file.close()
    while !batch.closed.contains(path) { batch = try #require(await events.next()) }
    #expect(!batch.written.contains(path), "closed is the last that was heard of it")
    watch.stop()
  }
}
