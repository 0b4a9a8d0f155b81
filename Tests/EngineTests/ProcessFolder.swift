import Foundation
import Testing

/// Folders that a process keeps as long as it lives. It holds a lock on each, so the next process that makes one can
/// tell, and remove, what another has left that crashed.
enum ProcessFolder {
  /// Makes a folder `name-…` and removes those of this name whose process is gone.
  static func make(_ name: String, in parent: String = NSTemporaryDirectory()) throws -> String {
    removeAbandoned(name, in: parent)
    while true {
      let path = URL(fileURLWithPath: parent).appending(path: "\(name)-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      // Never closed: the lock ends with the process. If another process locked it first, that process is
      // removing the folder.
      let lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0, access(path, F_OK) == 0 { return path }
      close(lock)
    }
  }

  private static func removeAbandoned(_ name: String, in parent: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for found in names where found.hasPrefix(name + "-") {
      let lock = open(parent + "/" + found, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard lock >= 0 else { continue }
      if flock(lock, LOCK_EX | LOCK_NB) == 0 {
        try? FileManager.default.removeItem(atPath: parent + "/" + found)
      }
      close(lock)
    }
  }
}

@Suite struct ProcessFolderTests {
  let parent = TemporaryFolder()

  private func folders() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: parent.path).map { parent.path + "/" + $0 }.sorted()
  }

  // process 1   make |====| killed
  // process 2   make |====================================
  // process 3                       make: 1's is gone, 2's is not
  @Test("what a process left that crashed is removed by the next; what one still uses is not")
  func abandoned() async throws {
    let kept = try ProcessFolder.make("store", in: parent.path)
    await #expect(processExitsWith: .signal(SIGKILL)) { [parent = parent.path as String] in
      let path = try ProcessFolder.make("store", in: parent)
      try Data([1]).write(to: URL(fileURLWithPath: path + "/file"))
      kill(getpid(), SIGKILL)
    }
    #expect(try folders().count == 2)
    let made = try ProcessFolder.make("store", in: parent.path)
    #expect(try folders() == [kept, made].sorted())
  }
}
