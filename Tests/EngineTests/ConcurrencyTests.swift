import Device
import Engine
import Executor
import Linker
import Tensors
import Testing

@Suite(
  "Many programs at the same time", .enabled(if: ReferenceModel.areThere, ReferenceModel.missing),
  .timeLimit(.minutes(10)))
struct ConcurrencyTests {
  static let names = ["cls", "magika", "silero-vad", "silero-vad-16k", "rec", "squeezenet", "mobilenet-v2"]

  // task 1   run {cls, rec} |======|  run {cls} |==|
  // task 2      run {rec, squeezenet, magika} |=========|   …
  // budget   |—— the largest member, and a quarter of the other weights ——|
  @Test("eight tasks with random programs under a tight budget: right answers, no deadlock, the budget kept")
  func randomPrograms() async throws {
    let roomy = try Engine(store: SharedStore.directory.get())
    let all = try ConcurrencyTests.names.map { try roomy.member($0) }
    let alone = try await roomy.aloneAnswers(all)
    let largest = all.map(\.neededBytes).max() ?? 0
    let budget = largest + (all.reduce(0) { $0 + $1.plan.reservedExtentBytes } - largest) / 4

    let engine = try Engine(store: SharedStore.directory.get(), budget: budget)
    let watch = BudgetWatch(engine)
    let members = try ConcurrencyTests.names.map { try engine.member($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          var generator = SeededGenerator(seed: UInt64(100 + task))
          for _ in 0..<50 {
            let count = Int.random(in: 1...4, using: &generator)
            let subset = (0..<count).map { _ in Int.random(in: members.indices, using: &generator) }
            for (member, answer) in zip(subset, try await engine.run(subset.map { members[$0] })) {
              #expect(try answer.get() == alone[member], "\(ConcurrencyTests.names[member])")
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(watch.peakBytes <= budget)
    #expect(engine.residency.snapshot.exclusiveBytes == 0)
  }

  // run 1   arena |======|
  // run 2   another arena |======|
  // run 3                   the first again |======|
  @Test("one program that is run several times at once: each run has an arena of its own")
  func oneProgramAtOnce() async throws {
    let engine = try Engine(store: SharedStore.directory.get())
    let cases = try ReferenceModel.named("rec").cases.filter { $0.name.hasPrefix("48x320-seed") }.map(\.name)
    let model = try engine.models.open("rec")
    let members = try cases.map { try engine.member(model, case: $0) }
    let alone = try await engine.aloneAnswers(members)
    #expect(Set(members.map { ObjectIdentifier($0.plan) }).count == 1)
    let program = try engine.link([members[0].plan])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<24 {
        group.addTask {
          let number = index % members.count
          let answer = try await engine.run(program, [members[number]])[0].get()
          #expect(answer == alone[number])
        }
      }
      try await group.waitForAll()
    }
  }
}
