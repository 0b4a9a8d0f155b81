import Repository
import Testing

private typealias Action = RepositoryState.Action

private func file(_ name: String, _ fingerprint: String, sidecar: String? = nil) -> FoundModel {
  FoundModel(
    name: name, path: "/r/\(name).onnx", sidecar: sidecar, files: ["/r/\(name).onnx"],
    fingerprint: fingerprint)
}

private func job(_ id: Int, _ name: String, _ fingerprint: String) -> CompileJob {
  CompileJob(id: id, name: name, path: "/r/\(name).onnx", fingerprint: fingerprint, origin: .folder)
}

/// A folder with a number, `a/NUMBER`.
private func version(_ number: Int, _ fingerprint: String, isChosen: Bool = true) -> FoundModel {
  FoundModel(
    name: "a", number: number, isChosen: isChosen, path: "/r/a/\(number)/model.onnx",
    files: ["/r/a/\(number)/model.onnx"], fingerprint: fingerprint)
}

private func job(_ id: Int, version number: Int, _ fingerprint: String) -> CompileJob {
  CompileJob(
    id: id, name: "a", number: number, path: "/r/a/\(number)/model.onnx", fingerprint: fingerprint,
    origin: .folder)
}

private func seconds(_ count: Double) -> Duration { .milliseconds(Int(count * 1000)) }

/// A folder of which files are taken when they have been as they are for a second.
private func folder(keepVersions: Int = 2) -> RepositoryState {
  RepositoryState(settle: .seconds(1), keepVersions: keepVersions)
}

/// A folder with one file, whose content `A` was compiled as version 1 by job 1, at 2 s.
private func serving(keepVersions: Int = 2) -> RepositoryState {
  var state = folder(keepVersions: keepVersions)
  _ = state.saw([file("a", "A")], at: seconds(1))
  _ = state.passed(at: seconds(2))
  _ = state.finished(1, .compiled(version: 1), at: seconds(2))
  return state
}

/// Replaces the file of ``serving(keepVersions:)`` by another, as job `id` and version `version`.
private func replace(
  _ state: inout RepositoryState, by content: String, job id: Int, version: Int, at time: Double
) -> [Action] {
  _ = state.saw([file("a", content)], at: seconds(time))
  _ = state.passed(at: seconds(time + 1))
  return state.finished(id, .compiled(version: version), at: seconds(time + 1))
}

/// The order of events in the repository, told as timelines.
@Suite(.timeLimit(.minutes(5))) struct RepositoryStateTests {
  /// appears - a second passes - compiled
  @Test func aNewFileIsCompiledOnceItIsWhole() {
    var state = folder()
    #expect(
      state.saw([file("a", "A")], at: seconds(1)) == [.show(name: "a", .compiling), .wake(at: seconds(2))])
    #expect(state.passed(at: seconds(1.5)).isEmpty)
    #expect(state.passed(at: seconds(2)) == [.start(job(1, "a", "A"))])
    #expect(
      state.finished(1, .compiled(version: 1), at: seconds(3)) == [
        .follow(name: "a", sidecar: nil), .show(name: "a", .idle), .answer(job: 1, .compiled(version: 1)),
      ])
    #expect(state.saw([file("a", "A")], at: seconds(9)).isEmpty)
  }

  /// appears - grows - grows - a second passes - compiled
  @Test func aFileThatGrowsIsWaitedFor() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.saw([file("a", "AA")], at: seconds(1.8))
    #expect(state.passed(at: seconds(2)) == [.wake(at: seconds(2.8))])
    #expect(state.passed(at: seconds(2.8)) == [.start(job(1, "a", "AA"))])
  }

  /// written to - its writer pauses for long - closed - compiled
  @Test func aFileThatSomebodyWritesIsWaitedForHoweverSlowTheyAre() {
    var state = folder()
    state.written("/r/a.onnx")
    _ = state.saw([file("a", "A")], at: seconds(1))
    #expect(state.passed(at: seconds(30)).isEmpty)
    state.closed("/r/a.onnx")
    #expect(state.saw([file("a", "A")], at: seconds(31)) == [.start(job(1, "a", "A"))])
  }

  /// written to - the close is never seen - a minute passes - compiled
  @Test func aWriterThatIsNeverSeenToCloseIsNotWaitedForForEver() {
    var state = folder()
    state.written("/r/a.onnx")
    _ = state.saw([file("a", "A")], at: seconds(1))
    #expect(state.passed(at: seconds(61)) == [.start(job(1, "a", "A"))])
  }

  /// version 1 serves - replaced - compiled - version 2 serves too - replaced again - version 1 leaves
  @Test func aReplacedFileBecomesANewVersionAndTheOldestLeaves() {
    var state = serving()
    #expect(
      state.saw([file("a", "B")], at: seconds(5)) == [.show(name: "a", .compiling), .wake(at: seconds(6))])
    #expect(state.passed(at: seconds(6)) == [.start(job(2, "a", "B"))])
    #expect(
      state.finished(2, .compiled(version: 2), at: seconds(7)).contains(.remove(name: "a", versions: [1]))
        == false)
    let actions = replace(&state, by: "C", job: 3, version: 3, at: 9)
    #expect(actions.contains(.remove(name: "a", versions: [1])))
    #expect(state.removed("a", versions: [1], at: seconds(11)).isEmpty)
  }

  @Test func oneVersionIsKeptWhereOneIsAskedFor() {
    var state = serving(keepVersions: 1)
    #expect(
      replace(&state, by: "B", job: 2, version: 2, at: 5).contains(.remove(name: "a", versions: [1])))
  }

  /// job runs - file changes - job is stopped - it ends - the new content is compiled
  @Test func aFileThatChangesWhileItIsCompiledIsCompiledAnew() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    #expect(state.saw([file("a", "B")], at: seconds(3)) == [.stop(job: 1), .wake(at: seconds(4))])
    #expect(state.passed(at: seconds(4)).isEmpty, "one process a model")
    #expect(
      state.finished(1, .stopped, at: seconds(5)) == [.start(job(2, "a", "B")), .answer(job: 1, .stopped)])
  }

  /// job runs - file goes - job is stopped, but had stored its version by then - that is removed
  @Test func aVersionThatComesTooLateIsRemoved() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    #expect(state.saw([], at: seconds(3)) == [.stop(job: 1), .show(name: "a", .idle)])
    #expect(
      state.finished(1, .compiled(version: 1), at: seconds(5)).contains(.remove(name: "a", versions: [1])))
  }

  /// serves - goes - comes back within a second
  @Test func aFileThatIsGoneForAMomentStays() {
    var state = serving()
    #expect(state.saw([], at: seconds(5)) == [.wake(at: seconds(6))])
    #expect(state.saw([file("a", "A")], at: seconds(5.5)).isEmpty)
    #expect(state.passed(at: seconds(9)).isEmpty)
  }

  /// serves - goes - drains - comes back while it drains - is compiled when that is done
  @Test func aFileThatComesBackWaitsForTheOldOneToLeave() {
    var state = serving()
    _ = state.saw([], at: seconds(5))
    #expect(state.passed(at: seconds(6)) == [.remove(name: "a", versions: [1])])
    _ = state.saw([file("a", "A")], at: seconds(7))
    #expect(state.passed(at: seconds(8)).isEmpty)
    #expect(state.removed("a", versions: [1], at: seconds(9)) == [.start(job(2, "a", "A"))])
  }

  /// broken - looked at again - changes - compiled
  @Test func aBrokenFileIsTriedAgainWhenItChangesAndNotBefore() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    #expect(
      state.finished(1, .rejected("no model"), at: seconds(3)) == [
        .show(name: "a", .failed("no model")), .answer(job: 1, .rejected("no model")),
      ])
    #expect(state.saw([file("a", "A")], at: seconds(4000)).isEmpty)
    _ = state.saw([file("a", "B")], at: seconds(4001))
    #expect(state.passed(at: seconds(4002)) == [.start(job(2, "a", "B"))])
  }

  /// version 1 serves - replaced by what is broken - version 1 still serves - the old content comes back
  @Test func aBrokenReplacementLeavesTheOldVersion() {
    var state = serving()
    _ = state.saw([file("a", "B")], at: seconds(5))
    _ = state.passed(at: seconds(6))
    #expect(
      state.finished(2, .rejected("no model"), at: seconds(7)) == [
        .show(name: "a", .failed("no model")), .answer(job: 2, .rejected("no model")),
      ])
    #expect(state.saw([file("a", "A")], at: seconds(8)) == [.show(name: "a", .idle)])
  }

  /// disk full - 5 s - disk full - 10 s - compiled
  @Test func whatIsNoFaultOfTheFileIsTriedAgainLaterAndLater() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    #expect(
      state.finished(1, .failed("disk full"), at: seconds(3)) == [
        .show(name: "a", .failed("disk full")), .wake(at: seconds(8)), .answer(job: 1, .failed("disk full")),
      ])
    #expect(state.passed(at: seconds(8)) == [.start(job(2, "a", "A")), .show(name: "a", .compiling)])
    #expect(
      state.finished(2, .failed("disk full"), at: seconds(9)).contains(.wake(at: seconds(19))))
    #expect(state.passed(at: seconds(18)).isEmpty)
    #expect(state.passed(at: seconds(19)).contains(.start(job(3, "a", "A"))))
  }

  /// broken - somebody asks for it - compiled once more, and told
  @Test func aLoadTriesABrokenFileAgain() {
    var state = folder()
    _ = state.saw([file("a", "A")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    _ = state.finished(1, .rejected("no model"), at: seconds(3))
    let (id, actions) = state.retried("a", at: seconds(4))
    #expect(id == 2)
    #expect(actions == [.start(job(2, "a", "A")), .show(name: "a", .compiling)])
    #expect(state.retried("b", at: seconds(4)).job == nil)
  }

  /// the server starts again: the store has it - looked at - nothing to do but to follow its settings
  @Test func whatAnEarlierRunCompiledIsNotCompiledAgain() {
    var state = folder()
    state.restored("a", versions: [1: .folder], madeFrom: "A")
    #expect(
      state.saw([file("a", "A", sidecar: "/r/a.yaml")], at: seconds(1)) == [
        .follow(name: "a", sidecar: "/r/a.yaml")
      ])
    #expect(state.passed(at: seconds(5)).isEmpty)
  }

  /// the server starts again: touched meanwhile - its content is the same
  @Test func whatIsTheSameUnderAnotherTimeIsNoNewVersion() {
    var state = folder()
    state.restored("a", versions: [1: .folder], madeFrom: "A")
    _ = state.saw([file("a", "A'")], at: seconds(1))
    #expect(state.passed(at: seconds(2)) == [.start(job(1, "a", "A'"))])
    #expect(state.finished(1, .unchanged(version: 1), at: seconds(3)).contains(.show(name: "a", .idle)))
    #expect(state.saw([file("a", "A'")], at: seconds(9)).isEmpty)
  }

  /// the server starts again: the file went meanwhile - its versions leave; what was sent stays
  @Test func whatWentWhileNobodyLookedLeaves() {
    var state = folder()
    state.restored("a", versions: [1: .folder, 2: .upload], madeFrom: "A")
    state.restored("b", versions: [4: .upload], madeFrom: nil)
    _ = state.saw([file("c", "C")], at: seconds(1))
    #expect(state.passed(at: seconds(2)).contains(.remove(name: "a", versions: [1])))
  }

  /// the server starts again: the folder is empty, as a place is where no disk is mounted - mounted - served as before
  @Test func nothingLeavesWhileTheFolderIsNotThere() {
    var state = folder()
    state.restored("a", versions: [1: .folder], madeFrom: "A")
    #expect(state.saw([], in: "mount point", at: seconds(1)) == [.doubt])
    #expect(state.saw([], in: "mount point", at: seconds(9)).isEmpty)
    #expect(state.passed(at: seconds(60)).isEmpty)
    #expect(state.isDoubtful)
    #expect(
      state.saw([file("a", "A")], in: "disk", at: seconds(61)) == [.follow(name: "a", sidecar: nil)])
    #expect(!state.isDoubtful)
  }

  /// the disk goes while the server runs - comes back - emptied by somebody - its versions leave
  @Test func aDiskThatGoesIsNoFolderThatIsEmptied() {
    var state = folder()
    _ = state.saw([file("a", "A")], in: "disk", at: seconds(1))
    _ = state.passed(at: seconds(2))
    _ = state.finished(1, .compiled(version: 1), at: seconds(2))
    #expect(state.saw([], in: "mount point", at: seconds(5)) == [.doubt])
    #expect(state.passed(at: seconds(20)).isEmpty)
    #expect(state.saw([file("a", "A")], in: "disk", at: seconds(21)).isEmpty)
    #expect(state.saw([], in: "disk", at: seconds(30)) == [.wake(at: seconds(31))])
    #expect(state.passed(at: seconds(31)) == [.remove(name: "a", versions: [1])])
  }

  /// three files appear - one process at a time
  @Test func oneModelIsCompiledAtATime() {
    var state = folder()
    _ = state.saw([file("a", "A"), file("b", "B"), file("c", "C")], at: seconds(1))
    #expect(state.passed(at: seconds(2)) == [.start(job(1, "a", "A"))])
    #expect(
      state.finished(1, .compiled(version: 1), at: seconds(3)).contains(.start(job(2, "b", "B"))))
    #expect(
      state.finished(2, .rejected("no model"), at: seconds(4)).contains(.start(job(3, "c", "C"))))
  }

  /// sent - compiled - answered; sent twice more - the oldest leaves
  @Test func whatIsSentIsCompiledAnsweredAndKept() {
    var state = folder()
    let (first, actions) = state.sent("u", path: "/u/1", staging: "/s", at: seconds(1))
    let sent = CompileJob(
      id: first, name: "u", path: "/u/1", fingerprint: "", origin: .upload, staging: "/s")
    #expect(actions == [.start(sent)])
    #expect(
      state.finished(first, .compiled(version: 1), at: seconds(2)) == [
        .answer(job: first, .compiled(version: 1))
      ])
    #expect(state.adopted("u", versions: [1], at: seconds(2)).isEmpty)
    #expect(state.saw([], at: seconds(20)).isEmpty, "no file in the folder is behind it")
    for version in 2...3 {
      let (id, _) = state.sent("u", path: "/u/\(version)", staging: "/s", at: seconds(30))
      let compiled = state.finished(id, .compiled(version: 1), at: seconds(31))
      #expect(!compiled.contains(.remove(name: "u", versions: [1])), "it is no version yet")
      let actions = state.adopted("u", versions: [version], at: seconds(32))
      #expect(actions.contains(.remove(name: "u", versions: [1])) == (version == 3))
    }
  }

  /// an end that is not known
  @Test func anEndOfNothingIsNothing() {
    var state = serving()
    #expect(state.finished(99, .compiled(version: 7), at: seconds(5)).isEmpty)
    #expect(state.removed("nobody", versions: [1], at: seconds(5)).isEmpty)
  }

  /// folders 1 and 3 - the newest first - both serve, under their numbers
  @Test func foldersNumbersAreTheVersions() {
    var state = folder()
    _ = state.saw([version(1, "A"), version(3, "C")], at: seconds(1))
    #expect(state.passed(at: seconds(2)) == [.start(job(1, version: 3, "C"))])
    #expect(
      state.finished(1, .compiled(version: 3), at: seconds(3)) == [
        .follow(name: "a", sidecar: nil), .start(job(2, version: 1, "A")),
        .answer(job: 1, .compiled(version: 3)),
      ])
    #expect(state.finished(2, .compiled(version: 1), at: seconds(4)).contains(.show(name: "a", .idle)))
    #expect(state.saw([version(1, "A"), version(3, "C")], at: seconds(9)).isEmpty)
  }

  /// folders 1 and 3 serve, compiled as 1 and 2 by jobs - 3 changes - it is compiled again, and 1 stays as it is
  @Test func aFolderThatChangesIsCompiledAgainUnderItsNumber() {
    var state = servingFolders()
    _ = state.saw([version(1, "A"), version(3, "C'")], at: seconds(5))
    #expect(state.passed(at: seconds(6)) == [.start(job(3, version: 3, "C'"))])
    let actions = state.finished(3, .compiled(version: 3), at: seconds(7))
    #expect(actions.contains(.show(name: "a", .idle)))
    #expect(!actions.contains { if case .remove = $0 { true } else { false } })
  }

  /// 1 and 3 serve - 4 comes, and 1 is not chosen any more - 4 is compiled - 1 leaves
  @Test func aVersionThatIsNotChosenLeavesWhenTheChosenOnesServe() {
    var state = servingFolders()
    let found = [version(1, "A", isChosen: false), version(3, "C"), version(4, "D")]
    _ = state.saw(found, at: seconds(5))
    #expect(state.passed(at: seconds(6)) == [.start(job(3, version: 4, "D"))])
    #expect(
      state.finished(3, .compiled(version: 4), at: seconds(7)).contains(.remove(name: "a", versions: [1])))
    #expect(state.removed("a", versions: [1], at: seconds(8)).isEmpty)
    #expect(state.saw(found, at: seconds(9)).isEmpty)
  }

  /// 3 serves alone - 4 is to serve alone, and is broken - 3 stays
  @Test func aBrokenNewVersionLeavesTheOldOne() {
    var state = folder()
    _ = state.saw([version(3, "C")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    _ = state.finished(1, .compiled(version: 3), at: seconds(3))
    _ = state.saw([version(3, "C", isChosen: false), version(4, "D")], at: seconds(5))
    _ = state.passed(at: seconds(6))
    let actions = state.finished(2, .rejected("no model"), at: seconds(7))
    #expect(actions.contains(.show(name: "a", .failed("version 4: no model"))))
    #expect(!actions.contains(.remove(name: "a", versions: [3])))
    #expect(state.passed(at: seconds(60)).isEmpty)
  }

  /// 1 and 3 serve - 3 is removed - 3 leaves; all are removed - 1 leaves
  @Test func aVersionWhoseFolderGoesLeaves() {
    var state = servingFolders()
    #expect(state.saw([version(1, "A")], at: seconds(5)) == [.wake(at: seconds(6))])
    #expect(state.passed(at: seconds(6)) == [.remove(name: "a", versions: [3])])
    _ = state.removed("a", versions: [3], at: seconds(7))
    _ = state.saw([], at: seconds(8))
    #expect(state.passed(at: seconds(9)) == [.remove(name: "a", versions: [1])])
  }

  /// 3 leaves - comes back while it drains - waits for that - is compiled
  @Test func aVersionThatComesBackWaitsForTheOldOneToLeave() {
    var state = servingFolders()
    _ = state.saw([version(1, "A")], at: seconds(5))
    #expect(state.passed(at: seconds(6)) == [.remove(name: "a", versions: [3])])
    _ = state.saw([version(1, "A"), version(3, "C")], at: seconds(7))
    #expect(state.passed(at: seconds(8)).isEmpty)
    #expect(state.removed("a", versions: [3], at: seconds(9)) == [.start(job(3, version: 3, "C"))])
  }

  /// a.onnx serves as version 1 - a/2 takes its place - is compiled - version 1 leaves
  @Test func foldersTakeTheFilesPlace() {
    var state = serving()
    _ = state.saw([version(2, "B")], at: seconds(5))
    #expect(state.passed(at: seconds(6)) == [.start(job(2, version: 2, "B"))])
    #expect(
      state.finished(2, .compiled(version: 2), at: seconds(7)).contains(.remove(name: "a", versions: [1])))
  }

  /// more folders than versions are kept - all that are chosen stay
  @Test func chosenVersionsAreNotCountedByKeepVersions() {
    var state = folder(keepVersions: 1)
    let found = (1...4).map { version($0, "\($0)") }
    _ = state.saw(found, at: seconds(1))
    _ = state.passed(at: seconds(2))
    for (id, number) in [(1, 4), (2, 3), (3, 2), (4, 1)] {
      let actions = state.finished(id, .compiled(version: number), at: seconds(3))
      #expect(!actions.contains { if case .remove = $0 { true } else { false } })
    }
  }

  /// the server starts again: folders' versions are not compiled again, nor those of an earlier release renumbered in vain
  @Test func foldersVersionsAreKnownAfterARestart() {
    var state = folder()
    state.restored("a", versions: [1: .folder, 3: .folder], madeFrom: nil, numbered: [1: "A", 3: "C"])
    let actions = state.saw([version(1, "A"), version(3, "C")], at: seconds(1))
    #expect(actions == [.follow(name: "a", sidecar: nil), .follow(name: "a", sidecar: nil)])
    #expect(state.passed(at: seconds(9)).isEmpty)

    var older = folder()
    older.restored("a", versions: [1: .folder], madeFrom: "old")
    _ = older.saw([version(1, "A")], at: seconds(1))
    #expect(older.passed(at: seconds(2)) == [.start(job(1, version: 1, "A"))])
    let kept = older.finished(1, .unchanged(version: 1), at: seconds(3))
    #expect(!kept.contains(.remove(name: "a", versions: [1])))
    #expect(older.passed(at: seconds(60)).isEmpty)
  }

  /// a version is sent again - it is not the first to leave
  @Test func whatWasSentLastStays() {
    var state = folder()
    for (step, number) in [1, 2, 1, 3].enumerated() {
      let (id, _) = state.sent("u", number: number, path: "/u", staging: "/s", at: seconds(1))
      _ = state.finished(id, .compiled(version: 1), at: seconds(2))
      let actions = state.adopted("u", versions: [number], at: seconds(2))
      #expect(actions.contains(.remove(name: "u", versions: [2])) == (step == 3))
      #expect(!actions.contains(.remove(name: "u", versions: [1])))
    }
  }

  /// changes - somebody loads it at once - it is pending until it is whole and compiled
  @Test func aChangeIsPendingUntilItIsCompiled() {
    var state = serving()
    #expect(!state.isPending("a"))
    _ = state.saw([file("a", "B")], at: seconds(5))
    #expect(state.retried("a", at: seconds(5.1)).job == nil)
    #expect(state.isPending("a") && !state.isPending("b"))
    _ = state.passed(at: seconds(6))
    #expect(state.retried("a", at: seconds(6)).job == 2)
    _ = state.finished(2, .compiled(version: 2), at: seconds(7))
    #expect(!state.isPending("a"))
  }

  /// Folders 1 and 3 serve, made by jobs 2 and 1.
  private func servingFolders() -> RepositoryState {
    var state = folder()
    _ = state.saw([version(1, "A"), version(3, "C")], at: seconds(1))
    _ = state.passed(at: seconds(2))
    _ = state.finished(1, .compiled(version: 3), at: seconds(3))
    _ = state.finished(2, .compiled(version: 1), at: seconds(4))
    return state
  }
}
