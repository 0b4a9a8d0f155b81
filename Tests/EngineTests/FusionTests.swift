import Device
import Engine
import Executor
import Linker
import Tensors
import Testing

@Suite(
  "Fused runs give the bits of lone runs", .enabled(if: ReferenceModel.areThere, ReferenceModel.missing),
  .timeLimit(.minutes(10)))
struct FusionTests {
  @Test("any two, some three, and all of them: the same bits, on lanes that overlap")
  func sameBits() async throws {
    let engine = try Engine(store: SharedStore.directory.get())
    let members = try SharedStore.names.map { try engine.member($0) }
    let alone = try await engine.aloneAnswers(members)
    var groups: [[Int]] = []
    for first in members.indices {
      for second in members.indices where first <= second { groups.append([first, second]) }
    }
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<10 { groups.append(Array(members.indices.shuffled(using: &generator).prefix(3))) }
    groups.append(Array(members.indices))
    groups.append(members.indices.reversed())
    var overlapped = 0
    for group in groups {
      let trace = Trace()
      let answers = try await engine.run(group.map { members[$0] }, trace: trace)
      for (member, answer) in zip(group, answers) {
        #expect(
          try answer.get() == alone[member],
          "\(SharedStore.names[member]) in \(group.map { SharedStore.names[$0] })")
      }
      if trace.lanesOverlap { overlapped += 1 }
      if group.count > 3 { #expect(trace.lanesOverlap) }
    }
    // A pair of which one is done in no time need not overlap.
    #expect(overlapped > groups.count / 2)
  }

  @Test("what a model answers is what onnxruntime answers, in every mode")
  func rightAnswers() async throws {
    for deterministic in [true, false] {
      let engine = try Engine(store: SharedStore.directory.get(), deterministic: deterministic)
      for way in [.mapped, .read] as [LoadRequest.Way] {
        engine.residency.evictIdle()
        let members = try SharedStore.names.map { try engine.member($0) }
        for (name, answer) in zip(SharedStore.names, try await engine.run(members, way: way)) {
          let first = try #require(try ReferenceModel.named(name).cases.first)
          let expected = try ReferenceModel.tensors(first.outputs)
          let model = try engine.models.open(name)
          for (output, found) in zip(model.graph.outputs, try answer.get()) {
            let output = model.graph[output].name
            #expect(try found.isClose(to: try #require(expected[output])), "\(name): \(output), \(way)")
          }
        }
      }
    }
  }

  @Test("a heavy model and one with a large arena run in turn where they do not fit together")
  func separateArenas() async throws {
    // budget  |resnet18-a's weights, arena|      |det's weights, larger arena|
    let roomy = try Engine(store: SharedStore.directory.get())
    let alone = try await roomy.aloneAnswers(try ["resnet18-a", "det"].map { try roomy.member($0) })
    let members = try ["resnet18-a", "det"].map { try roomy.member($0) }
    let budget = members.map(\.neededBytes).max() ?? 0
    #expect(members[0].plan.reservedExtentBytes + members[1].plan.memberMemory.arenaBytes > budget)
    let engine = try Engine(store: SharedStore.directory.get(), budget: budget)
    let watch = BudgetWatch(engine)
    for _ in 0..<5 {
      let answers = try await engine.run(try ["resnet18-a", "det"].map { try engine.member($0) })
      #expect(try answers.map { try $0.get() } == alone)
    }
    #expect(watch.changeCount > 0 && watch.peakBytes <= budget)
  }
}

extension Trace {
  /// True when kernels of two members ran at the same time.
  var lanesOverlap: Bool {
    var kernels: [(start: UInt64, end: UInt64, lane: Event.Track)] = []
    for event in events {
      if case .lane = event.track, let end = event.end { kernels.append((event.start, end, event.track)) }
    }
    kernels.sort { $0.start < $1.start }
    return zip(kernels, kernels.dropFirst()).contains { $0.lane != $1.lane && $1.start < $0.end }
  }
}
