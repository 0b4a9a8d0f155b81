import Device
import Engine
import Linker
import Testing

@Suite("Memory", .enabled(if: ReferenceModel.areThere, ReferenceModel.missing), .timeLimit(.minutes(10)))
struct BudgetTests {
  @Test("a model that is larger than the budget is refused, with both sizes; one that just fits runs")
  func tooLarge() async throws {
    let roomy = try Engine(store: SharedStore.directory.get())
    let needed = try roomy.member("squeezenet").neededBytes
    let tight = try Engine(store: SharedStore.directory.get(), budget: needed)
    #expect(try await tight.run([try tight.member("squeezenet")])[0].get().count == 1)

    let engine = try Engine(store: SharedStore.directory.get(), budget: needed - 1)
    let error = try #require(throws: LinkError.self) { try engine.member("squeezenet") }
    #expect(error.description.contains("'squeezenet'"))
    #expect(
      error.description.contains("\(needed) bytes") && error.description.contains("\(needed - 1) bytes"))
    #expect(try await engine.run([try engine.member("cls")])[0].get().count == 1)
  }

  @Test(
    "two models of one backbone hold it once: in the program's sum, in the budget, and as the system counts it"
  )
  func sharedBackbone() async throws {
    let directory = try SharedStore.directory.get()
    await #expect(processExitsWith: .success) { [directory = directory as String] in
      let engine = try Engine(store: directory)
      let members = try ["resnet18-a", "resnet18-b"].map { try engine.member($0) }
      let alone = try members.map { try engine.link([$0.plan]).uniqueWeightBytes }
      let program = try engine.link(members.map(\.plan))
      let larger = try #require(alone.max())
      #expect(program.uniqueWeightBytes * 10 <= larger * 11)
      #expect(program.uniqueWeightBytes > larger)
      for answer in await engine.run(program, members) { _ = try answer.get() }
      let memory = try ProcessMemory(store: directory)
      #expect(memory.storeBytes == program.uniqueWeightBytes)
      #expect(memory.modelBytes == engine.residency.snapshot.residentBytes)
    }
  }

  @Test("a model of dynamic shapes has one plan a shape, and right answers in each")
  func dynamicShapes() async throws {
    let engine = try Engine(store: SharedStore.directory.get())
    let model = try engine.models.open("det")
    let names = ["320x320-seed0", "192x256-seed0", "320x320-batch2"]
    for round in 0..<2 {
      for (index, name) in names.enumerated() {
        let member = try engine.member(model, case: name)
        #expect(engine.planner.usage.plans == (round == 0 ? index + 1 : names.count))
        let expected = try ReferenceModel.tensors(try ReferenceModel.named("det").case(name).outputs)
        #expect(try await engine.run([member])[0].get()[0].isClose(to: try #require(expected.values.first)))
      }
    }
    let plan = try engine.member(model, case: names[1]).plan
    #expect(try engine.member(model, case: "192x256-seed1").plan === plan)
  }

  @Test("the cache of plans keeps within its bytes: the least recently used leaves")
  func planCache() async throws {
    let probe = try Engine(store: SharedStore.directory.get())
    let names = ["det", "rec", "cls", "squeezenet", "mobilenet-v2", "resnet18-a"]
    let footprints = try names.map { try probe.member($0).plan.footprint }
    // Room for all but half of one, so that one leaves; idle plans also make room for the copies with which a plan is made.
    let capacity = footprints.reduce(0, +) - footprints[1] / 2
    let engine = try Engine(store: SharedStore.directory.get(), planCacheBytes: capacity)
    let models = try names.map { try engine.models.open($0) }
    let first = try engine.member(models[0])
    let second = WeakPlan(plan: try engine.member(models[1]).plan)
    let kept = first.plan.footprint + (second.plan?.footprint ?? 0)
    #expect(engine.planner.usage == (kept, 2))
    #expect(try engine.member(models[1]).plan === second.plan)
    #expect(try engine.member(models[0]).plan === first.plan)
    for model in models[2...] {
      let last = WeakPlan(plan: try engine.member(model).plan)
      #expect(engine.planner.usage.bytes <= capacity)
      #expect(try engine.member(model).plan === last.plan)
    }
    // The second was not used since: it left, and is made anew.
    #expect(second.plan == nil)
    _ = try engine.member(models[1])
    #expect(engine.planner.usage.bytes <= capacity)
    // The first is in use, so it stays however long ago it was asked for.
    #expect(try engine.member(models[0]).plan === first.plan)
    #expect(try await engine.run([first])[0].get().count == 1)
  }
}

/// A plan that the test does not keep in use.
private struct WeakPlan {
  weak var plan: Plan?
}
