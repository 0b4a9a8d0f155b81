import Device
import Engine
import Executor
import Foundation
import Linker
import Tensors
import Testing

import Scheduler

@Suite("A scheduler on the null device", .timeLimit(.minutes(10)))
struct SchedulerTests {
  private func request(_ model: LinkableModel, tenant: String = "", deadline: UInt64? = nil) throws
    -> ScheduledRequest
  {
    ScheduledRequest(model: model, inputs: [try TestEngine.input()], tenant: tenant, deadline: deadline)
  }

  @Test("a request is planned, run and answered, with the times of what happened to it in their order")
  func answers() async throws {
    let test = try TestEngine()
    let model = try test.chain("A", seeds: [1, 2])
    for isWarm in [false, true] {
      let answer = try await test.scheduler.run(request(model))
      #expect(answer.outputs.map(\.tensor.shape) == [[1, 128]])
      let timing = answer.timing
      #expect(timing.admitted <= timing.dispatched && timing.dispatched <= timing.started)
      #expect(timing.started <= timing.answered)
      #expect((timing.bytesLoaded == 0) == isWarm)
      #expect(timing.batchSize == 1 && timing.programWidth == 1)
    }
  }

  @Test("tensors that the model does not take are refused before they wait")
  func wrongTensors() async throws {
    let test = try TestEngine()
    let model = try test.chain("A", seeds: [1])
    let wrong = ScheduledRequest(model: model, inputs: [try Tensor([Float(1)], shape: [1, 1])])
    await #expect(throws: LinkError.self) { try await test.scheduler.run(wrong) }
    #expect(test.scheduler.snapshot == SchedulerSnapshot())
  }

  @Test("a model that does not fit the budget fails alone, in a bundle too; each of the others answers")
  func bundle() async throws {
    let test = try TestEngine(budget: 400_000)
    let small = [try test.chain("A", seeds: [1]), try test.chain("B", seeds: [2])]
    let large = try test.chain("C", seeds: [3, 4, 5, 6, 7, 8, 9, 10])
    let answers = Locked<[Int: Bool]>([:])
    await test.scheduler.run(together: [try request(small[0]), try request(large), try request(small[1])]) {
      index, result in
      answers.withLock { $0[index] = (try? result.get()) != nil }
    }
    #expect(answers.withLock { $0 } == [0: true, 1: false, 2: true])
    #expect(test.scheduler.checkInvariants() == [])
  }

  @Test("members of a bundle are one program: each answers though another is held up")
  func answersEarly() async throws {
    let device = NullDevice(manualKernels: true)
    let test = try TestEngine(device: device)
    let models = [try test.chain("A", seeds: [1]), try test.chain("B", seeds: [2])]
    let first = Locked<Int?>(nil)
    let widths = Locked<[Int]>([])
    test.scheduler.onEvent = { event in
      if case .dispatched(_, _, _, let width, _, _) = event { widths.withLock { $0.append(width) } }
    }
    async let run: Void = test.scheduler.run(together: try models.map { try request($0) }) { index, _ in
      first.withLock { $0 = $0 ?? index }
    }
    try await device.completeKernel("B/k0")
    while first.withLock({ $0 }) == nil { try? await Task.sleep(for: .milliseconds(1)) }
    #expect(first.withLock { $0 } == 1)
    try await device.completeKernel("A/k0")
    _ = try await run
    #expect(widths.withLock { $0 } == [1, 2])
  }

  // lane 0  A.k0 |======|
  // lane 1       B.k0 |======|      B came while A ran
  @Test("a request that arrives joins the running program, and the lanes run no more than they are")
  func joins() async throws {
    let device = NullDevice(manualKernels: true)
    let test = try TestEngine(device: device)
    let models = try ["A", "B", "C"].enumerated().map { try test.chain($1, seeds: [$0]) }
    async let a = test.scheduler.run(request(models[0]))
    try await device.waitForKernel("A/k0")
    async let b = test.scheduler.run(request(models[1]))
    try await device.waitForKernel("B/k0")
    try await device.completeKernel("B/k0")
    #expect(try await b.timing.programWidth == 2)
    async let c = test.scheduler.run(request(models[2]))
    try await device.completeKernel("C/k0")
    #expect(try await c.timing.programWidth == 2)
    try await device.completeKernel("A/k0")
    #expect(try await a.timing.programWidth == 1)
  }

  @Test(
    "a task that is cancelled while its request waits leaves the queue; while it runs, its answer is dropped")
  func cancels() async throws {
    let device = NullDevice(manualKernels: true)
    let test = try TestEngine(device: device, threads: 1)
    let model = try test.chain("A", seeds: [1])
    let running = Task { [test] in try await test.scheduler.run(request(model)) }
    try await device.waitForKernel("A/k0")
    let waiting = Task { [test] in try await test.scheduler.run(request(model)) }
    while test.scheduler.snapshot.waitingRequests == 0 { try? await Task.sleep(for: .milliseconds(1)) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(test.scheduler.snapshot.waitingRequests == 0)
    running.cancel()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(test.scheduler.snapshot.runningMembers == 1)
    try await device.completeKernel("A/k0")
    while test.scheduler.snapshot.runningMembers > 0 { try? await Task.sleep(for: .milliseconds(1)) }
    device.completeEverything()
    _ = try await test.scheduler.run(request(model))
    #expect(test.scheduler.checkInvariants() == [])
  }

  @Test(
    "a short run whose weights are there runs where its request came in; what loads or takes long runs on a lane",
    arguments: [Duration.zero, .seconds(10)])
  func shortRuns(limit: Duration) async throws {
    let test = try TestEngine(threads: 1, SchedulerConfiguration(shortRun: limit))
    let model = try test.chain("A", seeds: [1, 2])
    let threads = Locked<[pthread_t]>([])
    var warm = try request(model)
    warm.onOutputs = { _ in threads.withLock { $0.append(pthread_self()) } }
    for _ in 0..<8 {
      _ = try await test.scheduler.run(warm)
      while test.scheduler.snapshot.runningMembers > 0 || !test.engine.executor.isIdle {
        try? await Task.sleep(for: .milliseconds(1))
      }
    }
    // The first loads, and nothing was measured of the second: both run on the lane.
    let seen = threads.withLock { $0 }
    #expect(seen[1] == seen[0])
    #expect(seen.dropFirst(2).allSatisfy { ($0 == seen[0]) == (limit == .zero) })
    #expect(test.scheduler.checkInvariants() == [])
  }

  @Test("a kernel that fails fails its request, and the next one is answered")
  func failure() async throws {
    let device = NullDevice(manualKernels: true)
    let test = try TestEngine(device: device)
    let model = try test.chain("A", seeds: [1])
    let failing = Task { [test] in try await test.scheduler.run(request(model)) }
    try await device.failKernel("A/k0")
    await #expect(throws: DeviceError.self) { try await failing.value }
    async let next = test.scheduler.run(request(model))
    try await device.completeKernel("A/k0")
    _ = try await next
  }

  @Test("a model leaves after its keep-alive, but not what another holds that stays")
  func expires() async throws {
    let test = try TestEngine()
    let leaving = try test.chain("A", seeds: [1, 2])
    let staying = try test.chain("B", seeds: [2, 3])
    test.scheduler.setKeepAlive(.zero, of: leaving)
    _ = try await test.scheduler.run(request(staying))
    _ = try await test.scheduler.run(request(leaving))
    func extents() -> Set<String> {
      Set(
        test.engine.residency.snapshot.items.compactMap {
          if case .extent(let name) = $0.id { name } else { nil }
        })
    }
    while test.scheduler.snapshot.runningMembers > 0 || extents().count > 2 {
      try? await Task.sleep(for: .milliseconds(1))
    }
    #expect(extents() == Set(staying.extentNames))
    test.scheduler.evict(staying)
    #expect(extents().isEmpty)
  }

  @Test("a pinned model is resident and stays; one that leaves no room for others is refused with the sums")
  func pins() async throws {
    let probe = try TestEngine()
    let need = try probe.need(of: probe.chain("A", seeds: [1, 2]))
    let test = try TestEngine(budget: need * 2)
    let models = try ["A", "B", "C"].enumerated().map { try test.chain($1, seeds: [2 * $0, 2 * $0 + 1]) }
    _ = try await test.scheduler.run(request(models[1]))
    try await test.scheduler.pin(models[0])
    #expect(test.engine.residency.snapshot.items.count { $0.isPinned } == 2)
    #expect(test.scheduler.snapshot.models.map(\.isPinned) == [true])
    let error = await #expect(throws: SchedulerError.self) { try await test.scheduler.pin(models[2]) }
    #expect(error?.kind == .doesNotFit)
    #expect(error?.description.contains("131072") == true, "\(error?.description ?? "")")
    test.scheduler.evict(models[0])
    for model in models { _ = try await test.scheduler.run(request(model)) }
    #expect(test.engine.residency.snapshot.items.count { $0.isPinned } == 2)
    test.scheduler.unpin(models[0])
    #expect(test.engine.residency.snapshot.items.count { $0.isPinned } == 0)
    try await test.scheduler.pin(models[2])
  }

  @Test(
    "a second pin of a model returns when its weights are there, as the first does; both fail when it is unpinned"
  )
  func secondPin() async throws {
    let device = NullDevice(manualLoads: true)
    let test = try TestEngine(device: device)
    let model = try test.chain("A", seeds: [1])
    let isPinned: @Sendable () -> Bool = { test.engine.residency.snapshot.items.contains { $0.isPinned } }
    let first = Task { try await test.scheduler.pin(model) }
    try await device.waitForLoad(model.extentNames[0])
    let second = Task {
      try await test.scheduler.pin(model)
      return isPinned()
    }
    for _ in 0..<100 { await Task.yield() }
    try await device.completeLoad(model.extentNames[0])
    try await first.value
    #expect(try await second.value)
    await test.scheduler.close(model)
    #expect(!isPinned())
    let again = try test.chain("A", seeds: [1])
    let third = Task { try await test.scheduler.pin(again) }
    try await device.waitForLoad(again.extentNames[0])
    test.scheduler.unpin(again)
    try await device.completeLoad(again.extentNames[0])
    await #expect(throws: SchedulerError.self) { try await third.value }
    #expect(!isPinned())
  }

  @Test("a model's next version takes its pin over where both do not fit")
  func pinMoves() async throws {
    let probe = try TestEngine()
    let need = try probe.need(of: probe.chain("A", seeds: [1, 2]))
    let test = try TestEngine(budget: need * 3 / 2)
    let (old, new) = (try test.chain("A", seeds: [1, 2]), try test.chain("A", seeds: [3, 4]))
    try await test.scheduler.pin(old)
    await #expect(throws: SchedulerError.self) { try await test.scheduler.pin(new) }
    try await test.scheduler.pin(new, replacing: [old])
    let pinned = test.engine.residency.snapshot.items.filter(\.isPinned).map(\.id)
    #expect(Set(pinned) == Set(new.extentNames.map { .extent($0) }))
    _ = try await test.scheduler.run(request(new))
  }

  @Test("a model that is closed is refused for good, leaves, and its sizes count no more")
  func closes() async throws {
    let probe = try TestEngine()
    let need = try probe.need(of: probe.chain("A", seeds: [1, 2]))
    let test = try TestEngine(budget: need + 40_000)
    let (old, other) = (try test.chain("A", seeds: [1, 2]), try test.chain("B", seeds: [3]))
    _ = try await test.scheduler.run(request(old))
    try await test.scheduler.pin(old)
    await test.scheduler.close(old)
    #expect(
      !test.engine.residency.snapshot.items.contains { if case .extent = $0.id { true } else { false } })
    for refused in [
      await #expect(throws: SchedulerError.self) { try await test.scheduler.run(request(old)) },
      await #expect(throws: SchedulerError.self) { try await test.scheduler.pin(old) },
    ] {
      #expect(refused?.kind == .draining)
    }
    // Beside the first, which needs nearly all, it would not fit.
    try await test.scheduler.pin(other)
    #expect(test.scheduler.checkInvariants() == [])
  }

  @Test("draining waits for what runs, and refuses what comes")
  func drains() async throws {
    let device = NullDevice(manualKernels: true)
    let test = try TestEngine(device: device)
    let model = try test.chain("A", seeds: [1])
    async let running = test.scheduler.run(request(model))
    try await device.waitForKernel("A/k0")
    let isDrained = Locked(false)
    async let drained: Void = { [test] in
      await test.scheduler.drain()
      isDrained.withLock { $0 = true }
    }()
    while true {
      do {
        let late = Task { [test] in try await test.scheduler.run(request(model)) }
        await Task.yield()
        late.cancel()
        _ = try await late.value
      } catch let error as SchedulerError {
        #expect(error.kind == .draining)
        break
      } catch {}
    }
    #expect(!isDrained.withLock { $0 })
    device.completeEverything()
    _ = try await running
    await drained
    #expect(test.scheduler.snapshot.runningMembers == 0)
  }

  @Test(
    "two thousand requests of many tasks under a tight budget: each is answered once, and the budget is kept")
  func soak() async throws {
    let probe = try TestEngine()
    let need = try probe.need(of: probe.chain("A", seeds: [1, 2, 3]))
    let device = NullDevice()
    let test = try TestEngine(
      device: device, budget: need * 5 / 2,
      SchedulerConfiguration(
        maxQueuedRequests: 24, maxDelay: .seconds(20), keepAlive: .milliseconds(5),
        minimumResidency: .milliseconds(2)))
    let models = try (0..<6).map { try test.chain("M\($0)", seeds: [$0, $0 + 1, $0 + 2]) }
    let ends = Locked((answered: 0, refused: 0, cancelled: 0))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<32 {
        group.addTask {
          var numbers = Numbers(state: UInt64(client))
          for _ in 0..<64 {
            var request = ScheduledRequest(
              model: models[numbers.below(models.count)],
              inputs: [try TestEngine.input(rows: 1 + numbers.below(2), seed: numbers.below(9))],
              tenant: "t\(numbers.below(4))", priority: numbers.below(2))
            if numbers.below(4) == 0 {
              request.deadline = monotonicNanoseconds() + UInt64(numbers.below(20_000_000))
            }
            let rows = request.inputs[0].shape.dims[0]
            let run = Task { [request] in try await test.scheduler.run(request) }
            if numbers.below(8) == 0 { run.cancel() }
            do {
              let answer = try await run.value
              #expect(answer.outputs[0].tensor.shape.dims == [rows, 128])
              ends.withLock { $0.answered += 1 }
            } catch is SchedulerError {
              ends.withLock { $0.refused += 1 }
            } catch is CancellationError { ends.withLock { $0.cancelled += 1 } }
            #expect(test.scheduler.checkInvariants() == [])
          }
        }
      }
      try await group.waitForAll()
    }
    let counts = ends.withLock { $0 }
    #expect(counts.answered + counts.refused + counts.cancelled == 32 * 64)
    #expect(counts.answered > 1000)
    await test.scheduler.drain()
    #expect(test.engine.residency.snapshot.peakBytes <= test.engine.residency.budget)
    #expect(test.engine.residency.snapshot.exclusiveBytes == 0)
    #expect(device.misuses == [])
  }
}
