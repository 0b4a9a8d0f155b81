import Repository
import Testing

private typealias Action = RepositoryState.Action

private func file(_ name: String, _ fingerprint: String, isChosen: Bool = true) -> FoundModel {
  FoundModel(
    name: name, isChosen: isChosen, path: "/r/\(name).onnx", files: ["/r/\(name).onnx"],
    fingerprint: fingerprint)
}

private func seconds(_ count: Double) -> Duration { .milliseconds(Int((count * 1000).rounded())) }

extension [RepositoryState.Action] {
  /// The jobs that are started, by number.
  fileprivate var started: [Int] {
    compactMap { if case .start(let job) = $0 { job.id } else { nil } }
  }
  fileprivate var removals: [[Int]] {
    compactMap { if case .remove(_, let versions) = $0 { versions } else { nil } }
  }
  fileprivate var wakes: [Duration] {
    compactMap { if case .wake(let time) = $0 { time } else { nil } }
  }
  /// The outcomes that are told, by job.
  fileprivate var answers: [Int: CompileOutcome] {
    let pairs = compactMap { if case .answer(let job, let outcome) = $0 { (job, outcome) } else { nil } }
    return Dictionary(pairs) { first, _ in first }
  }
  fileprivate var phases: [RepositoryState.Phase] {
    compactMap { if case .show(_, let phase) = $0 { phase } else { nil } }
  }
}

/// A repository with a clock, which tells what happens as one line each.
private struct Watched {
  var state: RepositoryState
  var now = 0.0

  init(keepVersions: Int = 2, maxRunning: Int = 1) {
    state = RepositoryState(settle: .seconds(1), keepVersions: keepVersions, maxRunning: maxRunning)
  }

  mutating func saw(_ files: FoundModel..., after time: Double = 0) -> [Action] {
    now += time
    return state.saw(files, in: "disk", at: seconds(now))
  }

  mutating func passed(after time: Double) -> [Action] {
    now += time
    return state.passed(at: seconds(now))
  }

  mutating func finished(_ id: Int, _ outcome: CompileOutcome, after time: Double = 0) -> [Action] {
    now += time
    return state.finished(id, outcome, at: seconds(now))
  }

  /// The file `a` gets this content, which is compiled by job `id` as `version`.
  mutating func compiled(_ content: String, job id: Int, version: Int) -> [Action] {
    _ = saw(file("a", content), after: 10)
    _ = passed(after: 1)
    return finished(id, .compiled(version: version))
  }
}

/// Files that fail are tried again, later and later.
@Suite(.timeLimit(.minutes(5))) struct RepositoryRetryTests {
  /// fails after 5 s, 10 s, … 320 s, ten minutes, ten minutes, …
  @Test func theWaitDoublesUpToTenMinutesAndStaysThere() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"))
    var job = 1
    #expect(folder.passed(after: 1).started == [1])
    for wait in [5, 10, 20, 40, 80, 160, 320, 600, 600, 600] + [Double](repeating: 600, count: 60) {
      #expect(folder.finished(job, .failed("disk full")).wakes == [seconds(folder.now + wait)])
      #expect(folder.passed(after: wait - 0.001).isEmpty)
      job += 1
      #expect(folder.passed(after: 0.001).started == [job], "after \(wait) s")
    }
  }

  /// fails, fails - changes - fails: the wait starts anew
  @Test func aFileThatChangedHasNotFailedYet() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"))
    _ = folder.passed(after: 1)
    _ = folder.finished(1, .failed("disk full"))
    _ = folder.passed(after: 5)
    #expect(folder.finished(2, .failed("disk full")).wakes == [seconds(folder.now + 10)])
    #expect(folder.saw(file("a", "B")).phases == [.compiling])
    #expect(folder.passed(after: 1).started == [3], "not after the wait of the old content")
    #expect(folder.finished(3, .failed("disk full")).phases == [.failed("disk full")])
    #expect(folder.passed(after: 4.9).started == [])
    #expect(folder.passed(after: 0.1).started == [4])
  }

  /// fails, fails - somebody asks for it - fails: the wait starts anew
  @Test func whatIsAskedForStartsAnew() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"))
    _ = folder.passed(after: 1)
    _ = folder.finished(1, .failed("disk full"))
    _ = folder.passed(after: 5)
    _ = folder.finished(2, .failed("disk full"))
    let (job, actions) = folder.state.retried("a", at: seconds(folder.now))
    #expect(job == 3 && actions.started == [3])
    _ = folder.finished(3, .failed("disk full"))
    #expect(folder.passed(after: 4.9).started == [])
    #expect(folder.passed(after: 0.1).started == [4])
  }

  /// fails - compiled - the same content fails under another time: the first failure is forgotten
  @Test func whatSucceededHasNotFailedYet() {
    for outcome in [CompileOutcome.compiled(version: 1), .unchanged(version: 1)] {
      var folder = Watched()
      _ = folder.saw(file("a", "A"))
      _ = folder.passed(after: 1)
      _ = folder.finished(1, .failed("disk full"))
      _ = folder.passed(after: 5)
      #expect(folder.finished(2, outcome).phases == [.idle])
      _ = folder.saw(file("a", "B"))
      _ = folder.passed(after: 1)
      _ = folder.saw(file("a", "A"), after: 1)
      _ = folder.finished(3, .stopped)
      #expect(folder.passed(after: 600).started == [], "it is what the newest version was made from")
    }
  }

  /// sent - fails: told, and that is all
  @Test func whatWasSentAndFailedIsNotTriedAgain() {
    for outcome in [CompileOutcome.failed("disk full"), .rejected("no model"), .stopped] {
      var folder = Watched()
      let (job, actions) = folder.state.sent("u", path: "/u/1", staging: "/s", at: seconds(0))
      #expect(actions.started == [job])
      #expect(folder.finished(job, outcome, after: 1) == [.answer(job: job, outcome)])
      #expect(folder.passed(after: 3600) == [])
      #expect(folder.state.retried("u", at: seconds(4000)).job == nil)
    }
  }

  /// the file failed twice - one of its name is sent and fails - the file's wait stays what it is
  @Test func whatWasSentAndFailedLeavesTheFilesWaitAlone() {
    for outcome in [CompileOutcome.failed("no memory"), .rejected("no model"), .stopped] {
      var folder = Watched()
      _ = folder.saw(file("a", "A"))
      _ = folder.passed(after: 1)
      _ = folder.finished(1, .failed("disk full"))
      _ = folder.passed(after: 5)
      _ = folder.finished(2, .failed("disk full"))
      let (job, actions) = folder.state.sent("a", path: "/u/1", staging: "/s", at: seconds(folder.now))
      #expect(actions.started == [job] && actions.phases == [.compiling])
      #expect(folder.finished(job, outcome, after: 1).phases == [.failed("disk full")])
      #expect(folder.passed(after: 8.9).started == [])
      #expect(folder.passed(after: 0.1).started == [4])
      #expect(folder.finished(4, .failed("disk full")).wakes == [seconds(folder.now + 20)])
    }
  }

  /// a fails at 1 s, b at 3 s: each is tried when its own wait ends
  @Test func theEarliestOfSeveralWaitsWakes() {
    var folder = Watched(maxRunning: 2)
    _ = folder.saw(file("a", "A"), file("b", "B"))
    #expect(folder.passed(after: 1).started == [1, 2])
    #expect(folder.finished(1, .failed("disk full")).wakes == [seconds(6)])
    #expect(folder.finished(2, .failed("disk full"), after: 2).wakes == [], "a's is earlier")
    let actions = folder.passed(after: 3)
    #expect(actions.started == [3] && actions.wakes == [seconds(8)])
    #expect(folder.passed(after: 2).started == [4])
  }
}

/// The times at which decisions are asked for.
@Suite(.timeLimit(.minutes(5))) struct RepositoryWakeTests {
  /// a is being written, and taken after a minute - b appears, whole, and is taken after a second - then a
  @Test func aSoonerWakeThanTheNextIsAskedFor() {
    var folder = Watched()
    folder.state.written("/r/a.onnx")
    #expect(folder.saw(file("a", "A")).wakes == [seconds(60)])
    #expect(folder.saw(file("a", "A"), file("b", "B"), after: 5).wakes == [seconds(6)])
    let actions = folder.passed(after: 1)
    #expect(actions.started == [1] && actions.wakes == [seconds(60)])
    #expect(folder.finished(1, .compiled(version: 1)).wakes == [])
    #expect(folder.passed(after: 54).started == [2])
  }
}

/// Versions that leave are no versions any more, and not gone yet.
@Suite(.timeLimit(.minutes(5))) struct RepositoryLeavingTests {
  /// 1 2 serve - 3 comes: 1 leaves - 4 comes while 1 drains: 2 leaves, and 1 is not told to go twice
  @Test func aVersionIsToldToLeaveOnce() {
    var folder = Watched()
    _ = folder.compiled("A", job: 1, version: 1)
    #expect(folder.compiled("B", job: 2, version: 2).removals == [])
    #expect(folder.compiled("C", job: 3, version: 3).removals == [[1]])
    #expect(folder.passed(after: 1).removals == [])
    #expect(folder.compiled("D", job: 4, version: 4).removals == [[2]])
    #expect(folder.state.removed("a", versions: [1, 2], at: seconds(folder.now)).removals == [])
    #expect(folder.compiled("E", job: 5, version: 5).removals == [[3]])
  }

  /// 3 comes: 1 leaves - the file goes while 1 drains: 2 and 3 leave
  @Test func aFileThatGoesTakesThoseThatDoNotLeaveYet() {
    var folder = Watched()
    for version in 1...3 { _ = folder.compiled("\(version)", job: version, version: version) }
    #expect(folder.saw().wakes == [seconds(folder.now + 1)])
    #expect(folder.passed(after: 1).removals == [[2, 3]])
    #expect(folder.passed(after: 60) == [])
    #expect(folder.state.removed("a", versions: [1], at: seconds(folder.now)) == [])
    #expect(folder.state.removed("a", versions: [2, 3], at: seconds(folder.now)) == [])
  }

  /// 1 drains, 2 and 3 serve - the file changes: compiled at once; all drain: compiled when the last has left
  @Test func onlyAModelOfWhichEverythingLeavesWaits() {
    var folder = Watched()
    for version in 1...3 { _ = folder.compiled("\(version)", job: version, version: version) }
    _ = folder.saw(file("a", "D"))
    #expect(folder.passed(after: 1).started == [4])
    _ = folder.finished(4, .rejected("no model"))
    _ = folder.saw()
    #expect(folder.passed(after: 1).removals == [[2, 3]])
    _ = folder.saw(file("a", "E"), file("b", "B"))
    #expect(folder.passed(after: 1).started == [6], "b does not wait for a")
    _ = folder.finished(6, .compiled(version: 1))
    #expect(folder.state.removed("a", versions: [1, 2], at: seconds(folder.now)).started == [])
    #expect(folder.state.removed("a", versions: [3], at: seconds(folder.now)).started == [5])
  }

  /// the only model leaves - the folder lies elsewhere: nothing more could leave, so there is nothing to doubt
  @Test func whatLeavesAlreadyCastsNoDoubt() {
    var folder = Watched()
    _ = folder.compiled("A", job: 1, version: 1)
    _ = folder.saw()
    #expect(folder.passed(after: 1).removals == [[1]])
    #expect(folder.state.saw([], in: "elsewhere", at: seconds(folder.now)) == [])
    #expect(!folder.state.isDoubtful)
  }

  /// the file goes and comes back - its content is compiled though it is what an earlier version was made from
  @Test func whatCameBackIsMadeAgain() {
    var folder = Watched()
    _ = folder.compiled("A", job: 1, version: 1)
    _ = folder.saw()
    _ = folder.passed(after: 1)
    _ = folder.state.removed("a", versions: [1], at: seconds(folder.now))
    _ = folder.saw(file("a", "A"))
    #expect(folder.passed(after: 1).started == [2])
  }

  /// sent as 1, from the folder as 2 - the file goes: 2 leaves, 1 stays, and may be followed by what is sent
  @Test func whatWasSentStaysWhenTheFileGoes() {
    var folder = Watched()
    let (job, _) = folder.state.sent("a", path: "/u/1", staging: "/s", at: seconds(0))
    _ = folder.finished(job, .compiled(version: 1))
    _ = folder.state.adopted("a", versions: [1], at: seconds(0))
    _ = folder.compiled("A", job: 2, version: 2)
    _ = folder.saw()
    #expect(folder.passed(after: 1).removals == [[2]])
    let (next, actions) = folder.state.sent("a", path: "/u/2", staging: "/s", at: seconds(folder.now))
    #expect(actions.started == [next], "version 1 serves, so nothing has to drain first")
    _ = folder.finished(next, .compiled(version: 1))
    let adopted = folder.state.adopted("a", versions: [3], at: seconds(folder.now))
    #expect(adopted.removals == [], "1 and 3 are two")
  }

  @Test func oneVersionAndOneCompilationAreTheLeast() {
    var folder = Watched(keepVersions: 0, maxRunning: 0)
    _ = folder.compiled("A", job: 1, version: 1)
    #expect(folder.compiled("B", job: 2, version: 2).removals == [[1]])
  }
}

/// The order of compilations.
@Suite(.timeLimit(.minutes(5))) struct RepositoryQueueTests {
  @Test func asManyRunAsAreAskedForAndNeverTwoOfOneModel() {
    var folder = Watched(maxRunning: 2)
    _ = folder.saw(file("a", "A"), file("b", "B"), file("c", "C"))
    #expect(folder.passed(after: 1).started == [1, 2])
    let (job, actions) = folder.state.sent("a", path: "/u/1", staging: "/s", at: seconds(folder.now))
    #expect(actions.started == [])
    #expect(folder.finished(2, .compiled(version: 1)).started == [3])
    #expect(folder.finished(3, .compiled(version: 1)).started == [], "a is compiled already")
    #expect(folder.finished(1, .compiled(version: 1)).started == [job])
  }

  /// a runs, b waits - b changes: the old content is never compiled
  @Test func whatWaitsForAFileThatChangedIsDropped() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"), file("b", "B"))
    #expect(folder.passed(after: 1).started == [1])
    #expect(folder.saw(file("a", "A"), file("b", "B2")).filter { $0 == .stop(job: 2) } == [])
    #expect(folder.finished(1, .compiled(version: 1), after: 0.5).started == [])
    #expect(folder.passed(after: 0.5).started == [3])
  }

  /// a runs, b waits - b goes, was never compiled: nothing is left of it
  @Test func whatWaitsForAFileThatIsGoneIsDropped() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"), file("b", "B"))
    _ = folder.passed(after: 1)
    #expect(folder.saw(file("a", "A")).phases == [.idle])
    #expect(folder.finished(1, .compiled(version: 1)).started == [])
    #expect(folder.state.retried("b", at: seconds(folder.now)).job == nil)
  }

  /// a runs, b waits, and somebody waits for b - b changes: they are told, and may wait for the new content - compiled
  @Test func whoWaitsForADroppedCompilationIsTold() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"), file("b", "B"))
    _ = folder.passed(after: 1)
    #expect(folder.state.retried("b", at: seconds(1)).job == 2)
    #expect(folder.saw(file("a", "A"), file("b", "B2")).answers == [2: .stopped])
    #expect(folder.state.retried("b", at: seconds(1)).job == nil && folder.state.isPending("b"))
    #expect(folder.passed(after: 1).answers == [:], "told once")
    #expect(folder.state.retried("b", at: seconds(2)).job == 3)
    #expect(folder.finished(1, .compiled(version: 1)).started == [3])
    #expect(folder.finished(3, .compiled(version: 1)).answers == [3: .compiled(version: 1)])
  }

  /// a runs, b waits, and somebody waits for b - b goes, or is not chosen any more: they are told
  @Test func whoWaitsForAFileThatIsGoneIsTold() {
    for rest in [[], [file("b", "B", isChosen: false)]] {
      var folder = Watched()
      _ = folder.saw(file("a", "A"), file("b", "B"))
      _ = folder.passed(after: 1)
      #expect(folder.state.retried("b", at: seconds(1)).job == 2)
      let actions = folder.state.saw([file("a", "A")] + rest, in: "disk", at: seconds(2))
      #expect(actions.answers == [2: .stopped])
      #expect(folder.state.retried("b", at: seconds(2)).job == nil && !folder.state.isPending("b"))
    }
  }

  @Test func whoAsksHearsOfTheCompilationThatIsUnderWay() {
    var folder = Watched()
    _ = folder.saw(file("a", "A"), file("b", "B"))
    _ = folder.passed(after: 1)
    #expect(folder.state.retried("a", at: seconds(1)).job == 1)
    #expect(folder.state.retried("b", at: seconds(1)).job == 2)
    _ = folder.saw(file("a", "A2"), file("b", "B"))
    #expect(
      folder.state.retried("a", at: seconds(1)).job == nil, "it is stopped, and the new content not whole")
    #expect(folder.passed(after: 1).started == [])
    #expect(folder.state.retried("a", at: seconds(folder.now)).job == 3)
  }

  /// written to - goes unclosed - another file of its name comes, whole: it is not waited for
  @Test func aWriterOfAFileThatIsGoneIsForgotten() {
    var folder = Watched()
    folder.state.written("/r/a.onnx")
    _ = folder.saw(file("a", "A"))
    _ = folder.saw()
    _ = folder.saw(file("a", "B"))
    #expect(folder.passed(after: 1).started == [1])
  }

  /// written to - events are lost, the close perhaps among them: it is not waited for
  @Test func lostEventsMayHaveBeenTheClose() {
    var folder = Watched()
    folder.state.written("/r/a.onnx")
    _ = folder.saw(file("a", "A"))
    #expect(folder.passed(after: 1).started == [])
    folder.state.lostEvents()
    #expect(folder.passed(after: 0).started == [1])
  }
}
