import Foundation
import ModelStore
import Testing

/// Processes that end in the middle of a change, and disks that are full. Each test ends a process of its own.
@Suite struct StoreCrashTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/store"
    _ = try folder.write("cat.onnx", [UInt8](repeating: 1, count: 100_000))
    _ = try ModelStore(directory: path).add(name: "cat", source: [folder.path + "/cat.onnx"]) {
      try writeModel($0, [TestWeight("w", count: 70_000, seed: 1)])
    }
  }

  private func expectUsable() throws {
    let store = try ModelStore(directory: path)
    #expect(try store.list().allSatisfy { $0.state == .ready })
    #expect(try store.verify().allSatisfy(\.isIntact))
    let version = try store.add(name: "after", source: [folder.path + "/cat.onnx"]) { try writeModel($0, []) }
    #expect(try store.open("after").metadata.version == version)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/staging").isEmpty)
  }

  @Test func endingWhileAModelIsBuiltLeavesNothingOfIt() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder.path as String] in
      _ = try ModelStore(directory: folder + "/store").add(name: "cat", source: [folder + "/cat.onnx"]) {
        path in
        _ = try CompiledModelWriter(path: path)
        kill(getpid(), SIGKILL)
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/staging").count == 1)
    #expect(try ModelStore(directory: path).list().map(\.versions) == [[1]])
    try expectUsable()
  }

  // process: add remove add replace remove ...  killed after a while, anywhere; ten times on the same store
  @Test func endingAnywhereLeavesAUsableStore() async throws {
    for round in 0..<10 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [folder = folder.path as String, round = round as Int] in
        let store = try ModelStore(directory: folder + "/store")
        Thread.detachNewThread {
          usleep(UInt32(3_000 + 4_700 * round))
          kill(getpid(), SIGKILL)
        }
        while true {
          let version = try store.add(name: "dog", source: [folder + "/cat.onnx"]) {
            try writeModel($0, [TestWeight("w", count: 70_000, seed: round)])
          }
          try store.replaceCompiled("dog", version: version) {
            try writeModel($0, [TestWeight("v", count: 70_000, seed: round)])
          }
          if version > 3 { try store.remove("dog") }
        }
      }
      try expectUsable()
    }
  }

  @Test func aFileThatMayNotGrowIsNoSpaceAndLeavesNothing() async throws {
    await #expect(processExitsWith: .success) { [folder = folder.path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4 << 20, rlim_max: 4 << 20)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let store = try ModelStore(directory: folder + "/store")
      let error = #expect(throws: StoreError.self) {
        _ = try store.add(name: "big", source: [folder + "/cat.onnx"]) {
          try writeModel($0, [TestWeight("w", count: 3 << 20, seed: 1)])
        }
      }
      #expect(error?.kind == .noSpace)
      #expect(try store.list().map(\.name) == ["cat"])
    }
    try expectUsable()
  }

  // A file system of 8 MiB, which only the system's administrator can make.
  @Test(.enabled(if: geteuid() == 0, "needs the right to mount"))
  func aFullDiskSaysWhatWasMissingAndLeavesNothing() throws {
    let disk = folder.path + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    guard mount("tmpfs", disk, "tmpfs", 0, "size=8m") == 0 else {
      withKnownIssue("no file system can be mounted here") { Issue.record("mount: errno \(errno)") }
      return
    }
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let store = try ModelStore(directory: disk + "/store")
    func add(_ name: String, bytes: Int) throws {
      _ = try store.add(name: name, source: [folder.path + "/cat.onnx"]) {
        try writeModel($0, [TestWeight("w", count: bytes, seed: 1)])
      }
    }
    try add("small", bytes: 2 << 20)
    let before = try FileManager.default.subpathsOfDirectory(atPath: disk).sorted()
    for _ in 0..<3 {
      let error = #expect(throws: StoreError.self) { try add("large", bytes: 12 << 20) }
      #expect(error?.kind == .noSpace)
      #expect(error?.description.contains("are free") == true)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: disk).sorted() == before)
    }
    let source = try folder.write("big.onnx", [UInt8](repeating: 1, count: 9 << 20))
    #expect(throws: StoreError.self) {
      _ = try store.add(name: "other", source: [source]) { try writeModel($0, []) }
    }
    #expect(try store.verify().map(\.isIntact) == [true])
    try add("small", bytes: 1 << 20)
    #expect(try store.open("small").metadata.version == 2)
  }
}
