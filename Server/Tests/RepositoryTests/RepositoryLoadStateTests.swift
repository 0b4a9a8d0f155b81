import Repository
import Testing

/// A version of the model `a` in a folder.
private func version(_ number: Int, _ fingerprint: String) -> FoundModel {
  FoundModel(
    name: "a", number: number, path: "/r/a/\(number)/model.onnx", files: ["/r/a/\(number)/model.onnx"],
    fingerprint: fingerprint)
}

/// Load requests for models in the folder.
@Suite(.timeLimit(.minutes(5))) struct RepositoryLoadStateTests {
  /// Folder 1 serves, made by job 2; folder 3 is broken, as job 1 found out.
  private func halfBroken() -> RepositoryState {
    var state = RepositoryState(settle: .seconds(1))
    _ = state.saw([version(1, "A"), version(3, "C")], at: .seconds(1))
    _ = state.passed(at: .seconds(2))
    _ = state.finished(1, .rejected("no model"), at: .seconds(3))
    _ = state.finished(2, .compiled(version: 1), at: .seconds(4))
    return state
  }

  /// somebody loads it, and waits for one compilation after another - each broken file is tried once
  @Test func aLoadTriesEachBrokenFileOnce() {
    var state = halfBroken()
    #expect(state.retried("a", at: .seconds(5)).job == 3)
    let actions = state.finished(3, .rejected("no model"), at: .seconds(6))
    #expect(actions.contains(.show(name: "a", .failed("version 3: no model"))))
    #expect(state.retried("a", isAgain: true, at: .seconds(7)).job == nil)
    #expect(state.retried("a", at: .seconds(8)).job == 4, "the next load tries it again")
  }

  /// sent and not compiled yet - a load of the folder's files does not wait for that
  @Test func aLoadWaitsForTheFoldersFilesAlone() {
    var state = halfBroken()
    let (job, _) = state.sent("a", number: 9, path: "/u/1", staging: "/s", at: .seconds(5))
    #expect(state.retried("a", isAgain: true, at: .seconds(5)).job == nil)
    #expect(state.retried("a", at: .seconds(5)).job == job + 1, "the broken one")
  }

  /// sent and refused afterwards - the folder's failure is still known
  @Test func whatWasSentMendsNoFile() {
    var state = halfBroken()
    let (job, _) = state.sent("a", number: 3, path: "/u/1", staging: "/s", at: .seconds(5))
    let actions = state.finished(job, .compiled(version: 1), at: .seconds(6))
    #expect(actions.contains(.show(name: "a", .failed("version 3: no model"))))
    #expect(!actions.contains { if case .start = $0 { true } else { false } })
  }
}
