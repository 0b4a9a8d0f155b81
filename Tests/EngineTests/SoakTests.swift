import Device
import Engine
import Foundation
import Tensors
import Testing

@Suite(
  "A thousand runs under a budget for few models",
  .enabled(if: ReferenceModel.areThere, ReferenceModel.missing), .timeLimit(.minutes(15)))
struct SoakTests {
  /// `FUSEDINF_SOAK_RUNS` makes it shorter or longer.
  private static let runCount =
    ProcessInfo.processInfo.environment["FUSEDINF_SOAK_RUNS"].flatMap { Int($0) } ?? 1000

  @Test("right answers, the budget never exceeded, nothing grows: counted from inside and by the system")
  func soak() async throws {
    let directory = try SharedStore.directory.get()
    // A process of its own: what is counted there is this test's alone.
    await #expect(processExitsWith: .success) { [directory = directory as String] in
      try await SoakTests.run(store: directory)
    }
  }

  private static func run(store: String) async throws {
    let names = SharedStore.names.filter { $0 != "nudenet" }
    let cases = ["det": "192x256-seed0"]
    let roomy = try Engine(store: store)
    let alone = try await roomy.aloneAnswers(try names.map { try roomy.member($0, case: cases[$0]) })
    let all = try names.map { try roomy.member($0, case: cases[$0]) }
    let (largest, needed) = try #require(
      all.indices.map { ($0, all[$0].neededBytes) }.max { $0.1 < $1.1 })
    let others = try roomy.link(all.indices.filter { $0 != largest }.map { all[$0].plan }).uniqueWeightBytes
    let budget = needed + others / 4
    roomy.residency.evictIdle()

    let engine = try Engine(store: store, budget: budget)
    let watch = BudgetWatch(engine)
    let members = try names.map { try engine.member($0, case: cases[$0]) }
    var generator = SeededGenerator(seed: 20)
    var settled: ProcessMemory?
    for count in 1...runCount {
      let size = Int.random(in: 1...3, using: &generator)
      let subset = members.indices.shuffled(using: &generator).prefix(count % 100 == 0 ? members.count : size)
      let way: LoadRequest.Way = count % 4 == 0 ? .read : .mapped
      let answers = try await engine.run(subset.map { members[$0] }, way: way)
      for (member, answer) in zip(subset, answers) {
        #expect(
          try answer.get() == alone[member], "run \(count): \(names[member]) of \(subset.map { names[$0] })")
      }
      guard count % 25 == 0 || count == runCount else { continue }
      // A model that branches loads what its other branches need too, and may answer before that is there.
      while engine.residency.snapshot.items.contains(where: { $0.state == .loading }) {
        try await Task.sleep(for: .milliseconds(1))
      }
      let memory = try ProcessMemory(store: store)
      #expect(memory.modelBytes <= budget, "run \(count)")
      #expect(memory.modelBytes == engine.residency.snapshot.residentBytes, "run \(count)")
      // Everything made once and on demand exists by now: a kernel's state for each lane that it ran on
      // beside another.
      if count >= runCount / 2, settled == nil { settled = memory }
    }
    #expect(watch.peakBytes <= budget && engine.residency.snapshot.peakBytes <= budget)
    #expect(watch.peakBytes > budget / 2 && engine.residency.snapshot.counters.evictions > runCount / 10)
    let (before, after) = (try #require(settled), try ProcessMemory(store: store))
    #expect(after.descriptors <= before.descriptors)
    #expect(
      after.otherAnonymousBytes <= before.otherAnonymousBytes + before.otherAnonymousBytes / 20 + 4 << 20,
      "\(before.otherAnonymousBytes) bytes became \(after.otherAnonymousBytes)")
  }
}
