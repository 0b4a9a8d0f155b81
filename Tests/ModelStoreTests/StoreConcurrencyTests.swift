import Foundation
import ModelStore
import Testing

/// Several users of one store at once. Locks are held by open files, so users in one process are as foreign to each
/// other as processes are.
@Suite struct StoreConcurrencyTests {
  let folder: TemporaryFolder
  let path: String
  let onnx: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/store"
    onnx = try folder.write("cat.onnx", [1, 2, 3])
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  // user 1: build ......... | commit: version n
  // user 2:   build ......... | commit: version m          all different, none lost
  @Test func addsOfOneNameAtOnceAreVersions() async throws {
    let (path, onnx) = (path, onnx)
    let versions = try await withThrowingTaskGroup(of: Int.self) { group in
      for seed in 0..<12 {
        group.addTask {
          try ModelStore(directory: path).add(name: "cat", source: [onnx]) {
            try writeModel($0, [TestWeight("w", count: 70_000, seed: seed)])
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(versions.sorted() == Array(1...12))
    #expect(
      try ModelStore(directory: path).verify("cat").map(\.isIntact) == [Bool](repeating: true, count: 12))
  }

  // user 1: build (says it is there) .................. waits ......... commit
  // user 2:                          adds another model, which clears up
  @Test func aChangeUnderWayIsNotClearedAway() throws {
    let store = try ModelStore(directory: path)
    let version = try store.add(name: "slow", source: [onnx]) { slow in
      _ = try ModelStore(directory: path).add(name: "fast", source: [onnx]) { try writeModel($0, []) }
      try writeModel(slow, [])
    }
    #expect(version == 1)
    #expect(try store.list().map(\.name) == ["fast", "slow"])
  }

  // holder: lock ........................ unlock
  // user:        add: waits, gives up        add: waits, goes on
  @Test func aLockedStoreIsWaitedForAndThenNamed() throws {
    let descriptor = open(path + "/lock", O_RDWR | O_CREAT, 0o600)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    let error = #expect(throws: StoreError.self) {
      try ModelStore(directory: path, lockSeconds: 0).remove("cat")
    }
    #expect(error?.kind == .locked)
    #expect(error?.description.contains(path + "/lock") == true)
    // Reading needs no lock.
    #expect(try ModelStore(directory: path).list().isEmpty)

    Thread.detachNewThread {
      usleep(100_000)
      flock(descriptor, LOCK_UN)
    }
    let version = try ModelStore(directory: path).add(name: "cat", source: [onnx]) { try writeModel($0, []) }
    #expect(version == 1)
  }

  // one user adds and removes versions all the time; others open the newest: what opens is whole
  @Test func openingWhileVersionsComeAndGo() async throws {
    let (path, onnx) = (path, onnx)
    let store = try ModelStore(directory: path)
    func add(_ seed: Int) throws -> Int {
      try store.add(name: "cat", source: [onnx]) {
        try writeModel($0, [TestWeight("w", count: 70_000, seed: seed)])
      }
    }
    _ = try add(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for _ in 0..<100 {
          try store.open("cat").verifyWeights()
          _ = try store.list()
        }
      }
      for round in 1...30 { try store.remove("cat", version: try add(round) - 1) }
      try await group.waitForAll()
    }
    #expect(try store.list().map(\.versions.count) == [1])
  }
}
