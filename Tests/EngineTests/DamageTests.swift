import Engine
import Foundation
import Device
import Tensors
import Testing

@Suite(
  "A model file that is cut short while it runs",
  .enabled(if: ReferenceModel.areThere, ReferenceModel.missing), .timeLimit(.minutes(10)))
struct DamageTests {
  // squeezenet  |==| |==| |==x  error    error      compiled again |==|
  // cls         |==| |==| |==|  |==|     |==|                      |==|
  // file                    cut to 3 MiB
  @Test(
    "its run fails with its name, the process lives, another model answers, and it comes back from its source"
  )
  func cutShort() async throws {
    let folder = TemporaryFolder()
    let engine = try Engine(store: folder.path)
    for name in ["squeezenet", "cls"] { try engine.models.addReference(name) }
    let members = try ["squeezenet", "cls"].map { try engine.member($0) }
    let alone = try await engine.aloneAnswers(members)

    let file = folder.path + "/models/squeezenet/1/model.fused"
    let isCut = Locked(false)
    let failure = try await withThrowingTaskGroup(of: (any Error)?.self) { group in
      group.addTask {
        while true {
          let wasCut = isCut.withLock { $0 }
          let answers = try await engine.run(members)
          #expect(try answers[1].get() == alone[1])
          switch answers[0] {
          case .failure(let error): return error
          case .success(let answer):
            #expect(answer == alone[0])
            #expect(!wasCut)
            if wasCut { return nil }
          }
        }
      }
      group.addTask {
        try await Task.sleep(for: .milliseconds(200))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.truncate(atOffset: 3 << 20)
        isCut.withLock { $0 = true }
        return nil
      }
      return try await group.reduce(nil) { $0 ?? $1 }
    }
    let text = "\(try #require(failure))"
    #expect(text.contains("squeezenet") && text.contains("verify"), "\(text)")

    // It goes on failing, and nothing else does.
    let answers = try await engine.run(members)
    #expect(throws: (any Error).self) { try answers[0].get() }
    #expect(try answers[1].get() == alone[1])

    let again = [try engine.member("squeezenet"), members[1]]
    #expect(try await engine.run(again).map { try $0.get() } == alone)
  }
}
