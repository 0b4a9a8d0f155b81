import Foundation
import ModelStore
import Testing

@Suite struct ModelStoreTests {
  let folder: TemporaryFolder
  let store: ModelStore
  let onnx: String

  init() throws {
    folder = try TemporaryFolder()
    store = try ModelStore(directory: folder.path + "/deep/store")
    onnx = try folder.write("sources/cat.onnx", [1, 2, 3])
  }

  @discardableResult
  private func add(_ name: String, seed: Int = 1, target: String = "null/none/1") throws -> Int {
    try store.add(name: name, source: [onnx]) { path in
      try writeModel(
        path, [TestWeight("w", count: 100_000, seed: seed)], metadata: .test("as built", target: target))
    }
  }

  /// Everything in the store but its lock.
  private func files() -> [String] { folder.files().filter { $0.hasPrefix("deep/") } }

  @Test func readingMakesNoStore() throws {
    #expect(try store.list().isEmpty)
    #expect(try store.verify().isEmpty)
    for use in [
      { _ = try store.open("cat") }, { _ = try store.sourcePath("cat", version: 1) },
      { try store.remove("cat") }, { _ = try store.verify("cat") },
    ] {
      let error = #expect(throws: StoreError.self) { try use() }
      #expect(error?.kind == .notFound)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/deep"))
  }

  @Test func theStoreIsPrivateToItsUser() throws {
    try add("cat")
    let mode = try FileManager.default.attributesOfItem(atPath: store.directory)[.posixPermissions] as? Int
    #expect(mode == 0o700)
  }

  @Test func aModelIsAddedListedAndOpened() throws {
    #expect(try add("cat") == 1)
    #expect(try add("größe 2.onnx") == 1)
    let entries = try store.list()
    #expect(entries.map(\.name) == ["cat", "größe 2.onnx"])
    #expect(entries.map(\.state) == [.ready, .ready])
    #expect(entries[0].versions == [1])
    #expect(entries[0].metadata?.opset == 17)
    #expect(entries[0].byteCount > 100_000 && entries[0].byteCount < 200_000)
    let model = try store.open("cat")
    #expect(model.path == entries[0].path)
    #expect(model.metadata.name == "cat")
    #expect(model.metadata.version == 1)
    #expect(try model.bytes(of: model.weights[0]) == TestWeight("w", count: 100_000, seed: 1).bytes)
  }

  @Test func addingANameAgainMakesAVersion() throws {
    #expect(try [add("cat", seed: 1), add("cat", seed: 2), add("cat", seed: 3)] == [1, 2, 3])
    #expect(try store.open("cat").metadata.version == 3)
    let first = try store.open("cat", version: 1)
    #expect(try first.bytes(of: first.weights[0]) == TestWeight("w", count: 100_000, seed: 1).bytes)
    #expect(try store.list().map(\.versions) == [[1, 2, 3]])
    try store.remove("cat", version: 2)
    #expect(try store.list().map(\.versions) == [[1, 3]])
    let error = #expect(throws: StoreError.self) { _ = try store.open("cat", version: 2) }
    #expect(error?.kind == .notFound)
    #expect(error?.description.contains("1, 3") == true)
  }

  // add 1, 2, 3; remove 3; add 4; remove 2; add 5; remove all; add 6
  @Test func aNumberIsNeverGivenOutAgain() throws {
    for _ in 1...3 { try add("cat") }
    try store.remove("cat", version: 3)
    #expect(try add("cat") == 4)
    try store.remove("cat", version: 2)
    #expect(try add("cat") == 5)
    try store.remove("cat")
    #expect(try store.list().isEmpty)
    #expect(try store.verify().isEmpty)
    #expect(throws: StoreError.self) { _ = try store.verify("cat") }
    // Another process, later, after changes that clear up.
    #expect(try add("dog") == 1)
    let other = try ModelStore(directory: store.directory)
    #expect(try other.add(name: "cat", source: [onnx]) { try writeModel($0, []) } == 6)
    #expect(try store.list().map(\.versions) == [[6], [1]])
    try store.remove("cat", version: 6)
    #expect(try add("cat") == 7)
  }

  // add 1, 2, 3; remove 3, then 2; add 4
  @Test func aNumberIsNeverGivenOutAgainThoughOlderVersionsAreRemovedAfterIt() throws {
    for _ in 1...3 { try add("cat") }
    try store.remove("cat", version: 3)
    try store.remove("cat", version: 2)
    #expect(try add("cat") == 4)
    // Of the removed numbers the store keeps the largest alone.
    try store.remove("cat", version: 4)
    #expect(files().filter { $0.hasSuffix(".removed") } == ["deep/store/models/cat/4.removed"])
    try store.remove("cat", version: 1)
    #expect(try add("cat") == 5)
  }

  @Test func whatIsNoNumberOfTheStoresIsNoRemovedVersion() throws {
    try add("cat")
    for stray in ["x", "07", "-9", "0", "1099511627776", "9223372036854775807", "9223372036854775808"] {
      _ = try folder.write("deep/store/models/cat/\(stray).removed", [])
    }
    #expect(try add("cat") == 2)
    _ = try folder.write("deep/store/models/cat/9.removed", [])
    #expect(try add("cat") == 10)
  }

  /// A place with this number, which replaces versions that were added with `owner`.
  private func place(_ number: Int, owner: String = "us") -> ModelStore.Place {
    .number(number) { $0["owner"] == owner }
  }

  private func add(_ place: ModelStore.Place, seed: Int, owner: String = "us") throws -> Int {
    try store.add(name: "cat", as: place, source: [onnx], options: ["owner": owner]) { path in
      try writeModel(path, [TestWeight("w", count: 100_000, seed: seed)])
    }
  }

  private func bytes(of version: Int) throws -> [UInt8] {
    let model = try store.open("cat", version: version)
    return try model.bytes(of: model.weights[0])
  }

  @Test func aNumberThatIsAskedForIsTheVersion() throws {
    #expect(try add(place(3), seed: 3) == 3)
    #expect(try add(place(1), seed: 1) == 1)
    #expect(try store.list().map(\.versions) == [[1, 3]])
    #expect(try bytes(of: 1) == TestWeight("w", count: 100_000, seed: 1).bytes)
    #expect(try add("cat") == 4, "the store goes on after the highest")
    try store.remove("cat", version: 3)
    #expect(try add(place(3), seed: 9) == 3, "who asks for a number answers for it")
    for number in [0, -1, 1 << 40, Int.max] {
      let error = #expect(throws: StoreError.self) { try add(place(number), seed: 1) }
      #expect(error?.kind == .invalidModel)
    }
  }

  @Test func aVersionIsReplacedByWhomItBelongsTo() throws {
    #expect(try add(place(2), seed: 1) == 2)
    let before = try store.open("cat", version: 2)
    #expect(try add(place(2), seed: 2) == 2)
    #expect(try bytes(of: 2) == TestWeight("w", count: 100_000, seed: 2).bytes)
    #expect(try before.bytes(of: before.weights[0]) == TestWeight("w", count: 100_000, seed: 1).bytes)
    #expect(try store.list().map(\.versions) == [[2]])
    #expect(!files().contains { $0.contains("staging") })
    let error = #expect(throws: StoreError.self) {
      try add(place(2, owner: "them"), seed: 3, owner: "them")
    }
    #expect(error?.kind == .invalidModel && error?.description.contains("version 2 of 'cat'") == true)
    #expect(try bytes(of: 2) == TestWeight("w", count: 100_000, seed: 2).bytes)
  }

  /// Another store on the same disk, with versions 1, 2, … of `cat` made from these seeds.
  private func other(_ seeds: Int...) throws -> ModelStore {
    let other = try ModelStore(directory: folder.path + "/other-\(seeds)")
    for seed in seeds {
      _ = try other.add(name: "cat", source: [onnx], options: ["owner": "us"]) { path in
        try writeModel(path, [TestWeight("w", count: 100_000, seed: seed)])
      }
    }
    return other
  }

  @Test func versionsAreTakenOverFromAnotherStore() throws {
    #expect(try add(place(2), seed: 20) == 2)
    let before = try store.open("cat", version: 2)
    let other = try other(1, 2, 3)
    let adopted = try store.adopt("cat", from: other, [(1, .next), (2, place(2)), (3, place(7))])
    #expect(adopted.map(\.version) == [3, 2, 7] && adopted.map(\.isReplaced) == [false, true, false])
    for (version, seed) in [(3, 1), (2, 2), (7, 3)] {
      #expect(try bytes(of: version) == TestWeight("w", count: 100_000, seed: seed).bytes)
      #expect(try store.options("cat", version: version)["owner"] == "us")
    }
    #expect(try before.bytes(of: before.weights[0]) == TestWeight("w", count: 100_000, seed: 20).bytes)
    #expect(try other.list().map(\.versions) == [[2]], "what was replaced is there")
    #expect(try store.verify("cat").allSatisfy(\.isIntact))

    let back = try store.adopt("cat", from: other, [(2, place(2))])
    #expect(back.map(\.isReplaced) == [true])
    #expect(try bytes(of: 2) == TestWeight("w", count: 100_000, seed: 20).bytes)
  }

  @Test func versionsAreTakenOverAllOrNone() throws {
    #expect(try add(place(2), seed: 20, owner: "them") == 2)
    let other = try other(1, 2)
    let attempts: [[(version: Int, place: ModelStore.Place)]] = [
      [(1, place(1)), (2, place(2))], [(1, place(1)), (9, place(3))],
    ]
    for places in attempts {
      #expect(throws: StoreError.self) { try store.adopt("cat", from: other, places) }
      #expect(try store.list().map(\.versions) == [[2]])
      #expect(try other.list().map(\.versions) == [[1, 2]])
    }
    #expect(throws: StoreError.self) { try store.adopt("dog", from: other, [(1, place(1))]) }
    #expect(!files().contains { $0.contains("dog") })
    #expect(throws: StoreError.self) { try store.check(place(2), of: "cat") }
    try store.check(place(1), of: "cat")
  }

  @Test func namesThatDifferInNormalisationAloneAreNotTwoNames() throws {
    let composed = "caf\u{E9}"
    let decomposed = "cafe\u{301}"
    #expect(try add(composed) == 1)
    let error = #expect(throws: StoreError.self) { try add(decomposed) }
    #expect(error?.kind == .invalidName && error?.description.contains("NFC") == true)
    #expect(throws: StoreError.self) { try store.open(decomposed) }
    #expect(try store.open(composed).metadata.version == 1)
    #expect(composed.isComposed && !decomposed.isComposed && "cafe".isComposed)
    // A lone mark, and one that composes with what is before it.
    #expect("\u{301}a".isComposed && !"a\u{30A}".isComposed && !"\u{212B}".isComposed)
  }

  @Test func sourcesAreKeptWithTheirPlaces() throws {
    let data = try folder.write("sources/weights/cat.data", [UInt8](repeating: 7, count: 10_000))
    _ = try store.add(name: "cat", source: [onnx, data, data], options: ["shape": "x=1..8"]) { path in
      try writeModel(path, [])
    }
    try FileManager.default.removeItem(atPath: folder.path + "/sources")
    let kept = try store.sourcePath("cat", version: 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: kept)) == Data([1, 2, 3]))
    let keptData = (kept as NSString).deletingLastPathComponent + "/weights/cat.data"
    #expect(try Data(contentsOf: URL(fileURLWithPath: keptData)) == Data(repeating: 7, count: 10_000))
    #expect(try store.options("cat", version: 1) == ["shape": "x=1..8"])
    #expect(try store.verify("cat").allSatisfy(\.isIntact))
  }

  @Test func aSourceElsewhereIsRefused() throws {
    let outside = try folder.write("secret", [1])
    for files in [[onnx, outside], [onnx, folder.path + "/sources/../secret"], [onnx, "/dev/null"], []] {
      let error = #expect(throws: StoreError.self) {
        _ = try store.add(name: "cat", source: files) { try writeModel($0, []) }
      }
      #expect(error?.kind == .invalidModel)
    }
    #expect(throws: StoreError.self) {
      _ = try store.add(name: "cat", source: [folder.path + "/nothing.onnx"]) { try writeModel($0, []) }
    }
    #expect(files().isEmpty)
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "a/b", "/etc/passwd", "../up", "a\0b", "a\nb", "a\u{7F}b", "a\u{202E}b",
    "\u{2028}",
    String(repeating: "x", count: 129), String(repeating: "ü", count: 65),
  ])
  func namesThatAreNoneAreRefused(name: String) throws {
    for change in [
      { _ = try store.open(name) }, { try store.remove(name) }, { _ = try store.verify(name) },
      { try add(name) },
      { _ = try store.sourcePath(name, version: 1) },
      { try store.replaceCompiled(name, version: 1) { _ in } },
    ] {
      let error = #expect(throws: StoreError.self) { try change() }
      #expect(error?.kind == .invalidName)
      #expect(
        error?.description.unicodeScalars.contains { $0.properties.generalCategory == .control } == false)
    }
    #expect(files().isEmpty)
  }

  @Test func whatIsOpenStaysUsableWhenItIsRemoved() throws {
    try add("cat")
    let model = try store.open("cat")
    try store.remove("cat")
    // An empty file that keeps its number from being given out again.
    #expect(files() == ["deep/store/models/cat/1.removed"])
    #expect(try store.list().isEmpty)
    try model.verifyWeights()
    let error = #expect(throws: StoreError.self) { try store.remove("cat") }
    #expect(error?.kind == .notFound)
    #expect(throws: StoreError.self) { _ = try store.open("cat") }
    #expect(try add("cat") == 2)
  }

  struct Unsupported: Error {}

  @Test func whatCannotBeBuiltLeavesNothing() throws {
    try add("dog")
    let before = files()
    #expect(throws: Unsupported.self) {
      _ = try store.add(name: "cat", source: [onnx]) { path in
        _ = try CompiledModelWriter(path: path)
        throw Unsupported()
      }
    }
    let torn = #expect(throws: StoreError.self) {
      _ = try store.add(name: "cat", source: [onnx]) { _ = try CompiledModelWriter(path: $0) }
    }
    #expect(torn?.kind == .damaged)
    #expect(throws: StoreError.self) { _ = try store.add(name: "cat", source: [onnx]) { _ in } }
    #expect(throws: Unsupported.self) {
      try store.replaceCompiled("dog", version: 1) { _ in throw Unsupported() }
    }
    #expect(files() == before)
    #expect(try store.list().map(\.name) == ["dog"])
  }

  @Test func aCompiledFormIsReplacedInPlace() throws {
    try add("cat", seed: 1, target: "null/old/1")
    let old = try store.open("cat")
    try store.replaceCompiled("cat", version: 1) { path in
      try writeModel(path, [TestWeight("w", count: 100_000, seed: 2)], metadata: .test(target: "null/new/1"))
    }
    let new = try store.open("cat")
    #expect(old.metadata.target == "null/old/1")
    #expect(new.metadata.target == "null/new/1")
    try old.verifyWeights()
    #expect(try new.bytes(of: new.weights[0]) == TestWeight("w", count: 100_000, seed: 2).bytes)
    #expect(try store.verify("cat").allSatisfy(\.isIntact))
    let error = #expect(throws: StoreError.self) {
      try store.replaceCompiled("cat", version: 2) { try writeModel($0, []) }
    }
    #expect(error?.kind == .notFound)
  }

  @Test func damageIsListedVerifiedAndMended() throws {
    try add("cat")
    let path = try store.open("cat").path
    chmod(path, 0o600)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: 2 << 20)
    try file.write(contentsOf: Data([1, 2, 3, 4]))
    #expect(try store.list()[0].state == .ready)
    let altered = try store.verify("cat")
    #expect(altered.map(\.isIntact) == [false])
    #expect(altered[0].compiledProblem?.contains("'w'") == true)

    try file.truncate(atOffset: 3 << 19)
    guard case .unusable(let reason) = try store.list()[0].state else {
      Issue.record("a truncated model is listed as ready")
      return
    }
    #expect(reason.contains("damaged"))
    #expect(throws: StoreError.self) { _ = try store.open("cat") }

    try store.replaceCompiled("cat", version: 1) { try writeModel($0, []) }
    #expect(try store.verify().map(\.isIntact) == [true])
    let source = try store.sourcePath("cat", version: 1)
    chmod(source, 0o600)
    try Data([3, 2, 1]).write(to: URL(fileURLWithPath: source))
    let verified = try store.verify()
    #expect(verified[0].compiledProblem == nil)
    #expect(verified[0].sourceProblems.count == 1)
    try FileManager.default.removeItem(atPath: source)
    #expect(throws: StoreError.self) { _ = try store.sourcePath("cat", version: 1) }
    #expect(try store.verify()[0].sourceProblems.count == 1)
  }

  @Test(arguments: ["", "{", "[]", #"{"files":[{"path":"../../x","byteCount":1,"hash":"00"}]}"#, "escape"])
  func anAlteredRecordOfTheSourceIsAnError(text: String) throws {
    try add("cat")
    let record = ((try store.open("cat").path as NSString).deletingLastPathComponent) + "/source.json"
    chmod(record, 0o600)
    let original = try String(contentsOfFile: record, encoding: .utf8)
    let altered = text == "escape" ? original.replacingOccurrences(of: "cat.onnx", with: "../../../x") : text
    try altered.write(toFile: record, atomically: false, encoding: .utf8)
    #expect(throws: StoreError.self) { _ = try store.sourcePath("cat", version: 1) }
    #expect(try store.verify()[0].sourceProblems.count == 1)
    #expect(try store.open("cat").metadata.version == 1)
  }

  @Test func foreignFilesInTheStoreAreNoModels() throws {
    try add("cat")
    for stray in [
      "models/.DS_Store", "models/file", "models/cat/notes.txt", "models/cat/007/x", "models/dog/x/y",
    ] {
      _ = try folder.write("deep/store/" + stray, [1])
    }
    _ = try folder.write("deep/store/models/cat/9223372036854775807/x", [1])
    #expect(try store.list().map(\.name) == ["cat"])
    #expect(try store.open("cat").metadata.version == 1)
    #expect(try add("cat") == 2)
  }
}
