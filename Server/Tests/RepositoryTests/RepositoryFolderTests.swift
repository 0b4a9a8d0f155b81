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

  /// The folder's path without links.
  func real() throws -> String {
    let resolved = try #require(realpath(path, nil))
    defer { free(resolved) }
    return String(cString: resolved)
  }

  func look(keepVersions: Int = 2) throws -> RepositoryFolder.Listing {
    try RepositoryFolder(path: path, keepVersions: keepVersions).look().listing.get()
  }

  /// Each model's file, by `NAME` or `NAME:VERSION`.
  func models(keepVersions: Int = 2) throws -> [String: String] {
    let found = try look(keepVersions: keepVersions).models.filter(\.isChosen)
    return Dictionary(
      uniqueKeysWithValues: found.map { model in
        (
          model.name + (model.number.map { ":\($0)" } ?? ""), String(model.path.dropFirst(path.count + 1))
        )
      })
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
        "triton:9": "triton/9/model.onnx", "triton:10": "triton/10/model.onnx",
        "both": "both.onnx",
      ])
  }

  /// Folders' numbers are the versions: the newest of them, or those that the model's configuration chooses.
  @Test(arguments: [
    ("", 2, [3, 11]), ("", 1, [11]), ("", 9, [1, 2, 3, 11]),
    ("version_policy { latest { num_versions: 3 } }", 1, [2, 3, 11]),
    ("version_policy: { latest: { } }", 2, [11]),
    ("version_policy { all {} }", 1, [1, 2, 3, 11]),
    ("version_policy: { specific: { versions: [1, 3, 7] } }", 1, [1, 3]),
    ("version_policy { specific { versions: 2 versions: 11 } }", 1, [2, 11]),
    ("version_policy { specific { versions: 5 } }", 2, []),
  ])
  func theVersionsOfAFolderAreChosen(policy: String, keepVersions: Int, chosen: [Int]) throws {
    let folder = try Folder()
    for number in [1, 2, 3, 11] { try folder.write("t/\(number)/model.onnx") }
    if !policy.isEmpty { try folder.write("t/config.pbtxt", policy) }
    let listing = try folder.look(keepVersions: keepVersions)
    #expect(listing.models.map(\.number) == [1, 2, 3, 11])
    #expect(listing.models.filter(\.isChosen).compactMap(\.number) == chosen)
    #expect(listing.notices.isEmpty == !chosen.isEmpty)
  }

  @Test func aModelsFileHasTheNameThatItsConfigurationSays() throws {
    let folder = try Folder()
    try folder.write(
      "t/config.pbtxt", "name: \"t\" default_model_filename: \"net.onnx\" # the exporter's name")
    for file in ["t/1/net.onnx", "t/2/model.onnx", "u/1/model.ONNX", "v/1/other.onnx"] {
      try folder.write(file)
    }
    #expect(try folder.models() == ["t:1": "t/1/net.onnx", "u:1": "u/1/model.ONNX"])
    let notices = try folder.look().notices
    #expect(notices.count == 2)
    #expect(notices[0].contains("/t/2'") && notices[0].contains("'net.onnx'"))
    #expect(notices[1].contains("/v/1'") && notices[1].contains("'other.onnx'"))
  }

  /// Anything that looks like a model is served or named, never passed over in silence.
  @Test func whatLooksLikeAModelAndIsNotServedIsNamed() throws {
    let folder = try Folder()
    for file in [
      "X.ONNX", "y.Onnx", "both.onnx", "both.ONNX", "torch.pt", "settings.yml", "new\nline.onnx",
      "t/0/model.onnx",
      "t/01/model.onnx", "t/v2/model.onnx", "t/4/model.onnx", "t/5/weights.bin", "file.onnx",
      "file/1/model.onnx",
      "e\u{301}.onnx", "\u{E9}.onnx",
    ] { try folder.write(file) }
    mkfifo(folder.path + "/pipe.onnx", 0o600)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/nowhere.onnx", withDestinationPath: "/no/such/file")
    #expect(
      try folder.models() == [
        "X": "X.ONNX", "y": "y.Onnx", "both": "both.onnx", "t:4": "t/4/model.onnx", "file": "file.onnx",
        "\u{E9}": "\u{E9}.onnx",
      ])
    let notices = try folder.look().notices
    for named in [
      "both.ONNX", "torch.pt", "settings.yml", "new\nline.onnx", "t/0", "t/01", "t/v2", "t/5", "file",
      "e\u{301}.onnx",
      "pipe.onnx", "nowhere.onnx",
    ] {
      let place = "'\(folder.path)/\(named)' is not "
      #expect(notices.filter { $0.utf8.starts(with: place.utf8) }.count == 1, "\(named)")
    }
    #expect(notices.count == 12)
  }

  /// A model's file that is no file is named with the reason, never with advice that does not help.
  @Test(arguments: [
    ("t/1/model.onnx", "t/1/model.onnx"), ("t/model.onnx", "t/model.onnx"),
    ("t/1/model.ONNX", "t/1/model.ONNX"),
    ("t/1/other.onnx", "t/1/other.onnx"),
  ])
  func aModelsFileIsARegularFile(file: String, named: String) throws {
    let kinds: [(reason: String, make: (String) throws -> Void)] = [
      ("it is not a regular file", { mkfifo($0, 0o600) }),
      (
        "it is a folder",
        { try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: true) }
      ),
      (
        "it is a link that leads nowhere",
        { try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: "/no/such/file") }
      ),
    ]
    for (reason, make) in kinds {
      let folder = try Folder()
      try folder.write("t/1/readme.txt")
      try make(folder.path + "/" + file)
      let listing = try folder.look()
      #expect(listing.models.isEmpty)
      #expect(
        listing.notices.contains("'\(folder.path)/\(named)' is not served: \(reason)"), "\(listing.notices)")
      #expect(!listing.notices.contains { $0.contains("rename") })
    }
  }

  @Test func aRegularFileBesideAnotherKindIsNamed() throws {
    let folder = try Folder()
    try folder.write("t/1/net.onnx")
    mkfifo(folder.path + "/t/1/a.onnx", 0o600)
    #expect(
      try folder.look().notices.map { $0.contains("'net.onnx' and no 'model.onnx'; rename") } == [true])
  }

  @Test func aFolderWithoutAModelFileIsNamed() throws {
    let folder = try Folder()
    for name in ["empty", "d.onnx", "nested/deeper", "versions/1"] {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + name, withIntermediateDirectories: true)
    }
    for file in ["notes/readme.txt", "hidden/.keep", "good/1/model.onnx", "python/1/model.py", ".git/config"]
    {
      try folder.write(file)
    }
    let notices = try folder.look().notices
    for named in ["empty", "d.onnx", "nested", "versions/1", "notes", "hidden", "python/1"] {
      #expect(
        notices.filter { $0.hasPrefix("'\(folder.path)/\(named)' is not served: it holds no ") }.count == 1,
        "\(named)")
    }
    #expect(notices.count == 7, "\(notices)")
    try folder.write("notes/config.pbtxt", "backend: \"python\"")
    #expect(
      try folder.look().notices.contains(
        "'\(folder.path)/notes' is not served: its config.pbtxt asks for 'python'; only ONNX models are served"
      ))
  }

  @Test func externalDataOfAnyNameIsWatchedWhereItLies() throws {
    let folder = try Folder()
    // graph { initializer { external_data { key: "location" value: "data/w.bin" } } }
    let entry = [0x0A, 8] + Array("location".utf8) + [0x12, 10] + Array("data/w.bin".utf8)
    let tensor = [13 << 3 | 2, UInt8(entry.count)] + entry
    let graph = [5 << 3 | 2, UInt8(tensor.count)] + tensor
    let model = Data([7 << 3 | 2, UInt8(graph.count)] + graph)
    try model.write(to: URL(fileURLWithPath: folder.path + "/a.onnx"))
    let repository = RepositoryFolder(path: folder.path)
    func fingerprint() throws -> String {
      let models = try repository.look().listing.get().models
      return try #require(models.first { $0.name == "a" }).fingerprint
    }
    let missing = try fingerprint()
    try folder.write("data/w.bin")
    let there = try fingerprint()
    #expect(there != missing)
    #expect(repository.look().places.folders.contains(folder.path + "/data"))
    #expect(try folder.look().notices.isEmpty, "a folder with a model's data is no model")
    #expect(try fingerprint() == there)
    try folder.write("data/w.bin", "y")
    #expect(try fingerprint() != there)
  }

  @Test func whatALinkLeadsToIsWatched() throws {
    let folder = try Folder()
    let elsewhere = try Folder()
    try elsewhere.write("deep/m.onnx")
    try FileManager.default.createSymbolicLink(
      atPath: elsewhere.path + "/current", withDestinationPath: "deep")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/a.onnx", withDestinationPath: elsewhere.path + "/current/m.onnx")
    let (listing, places) = RepositoryFolder(path: folder.path).look()
    let before = try listing.get()
    let (place, name) = (try elsewhere.real(), "current")
    #expect(places.steps[place]?.contains(name) == true, "the link on the way")
    #expect(places.files[place + "/deep"] == ["m.onnx"])
    #expect(!places.folders.contains(place + "/deep"), "other files there do not matter")
    let files = try #require(before.models.first).files
    #expect(files.contains { $0.hasSuffix("/deep/m.onnx") })
    try elsewhere.write("deep/m.onnx", "longer")
    #expect(try folder.look().models.first?.fingerprint != before.models.first?.fingerprint)
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
    #expect(try folder.look().models.isEmpty)
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
      let models = try folder.look().models
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
    let (listing, places) = RepositoryFolder(path: "/no/such/folder").look()
    #expect(throws: (any Error).self) { try listing.get() }
    #expect(places.folders.isEmpty && places.steps["/"]?.contains("no") == true, "it may come")
  }

  @Test(arguments: [false, true]) func changesAreNoticed(isPolling: Bool) async throws {
    let folder = try Folder()
    let watch = FolderWatch(isPolling: isPolling, pollInterval: .milliseconds(20))
    #expect(watch.isPolling == isPolling)
    #expect(watch.watch(WatchedPlaces(folder: folder.path)) == !isPolling)
    #expect(!watch.watch(WatchedPlaces(folder: folder.path)), "nothing is new the second time")
    let (batches, send) = AsyncStream.makeStream(of: FolderWatch.Batch.self)
    watch.start { send.yield($0) }
    try folder.write("a.onnx")
    for await batch in batches where isPolling || batch.closed.contains(folder.path + "/a.onnx") { break }
    watch.stop()
  }

  /// Watches the folder; what it sees comes as batches.
  private func watched(_ folder: Folder) -> (FolderWatch, AsyncStream<FolderWatch.Batch>) {
    let watch = FolderWatch(isPolling: false, pollInterval: .seconds(1))
    _ = watch.watch(WatchedPlaces(folder: folder.path))
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
