import Device
import Dispatch
import Executor
import Residency
import Testing

@Suite("When answers leave", .timeLimit(.minutes(10))) struct AnswerOrderTests {
  @Test("an answer leaves before its member's memory is given back, and before others are let in")
  func beforeRelease() async throws {
    // A       k0 |==| answer, released
    // B       waits for A's memory      granted, A's weights evicted, loads
    let probe = try TestBench()
    defer { probe.models.remove() }
    let one = try probe.link([probe.models.chain("A", seeds: [1])])
    let single = one.uniqueWeightBytes + one.arenaBytes + roundedToPages(one.members[0].plan.requestBytes)
    let bench = try TestBench(budget: single, manualLoads: false)
    defer { bench.models.remove() }
    let log = AnswerLog()
    let changes = Locked<[(change: String, answers: [Int])]>([])
    bench.residency.onChange = { event in
      let change: String? =
        switch event.change {
        case .released("A", _): "released A"
        case .evicted: "evicted"
        case .granted("B", _): "granted B"
        default: nil
        }
      if let change { changes.withLock { $0.append((change, log.members)) } }
    }
    let (a, b) = (try bench.models.chain("A", seeds: [1]), try bench.models.chain("B", seeds: [2]))
    let first = bench.start(try bench.link([a]), log: log)
    try await bench.device.waitForKernel("A/k0")
    let second = bench.start(try bench.link([b]), log: AnswerLog())
    while bench.residency.snapshot.waiting != ["B"] { try? await Task.sleep(for: .milliseconds(1)) }
    #expect(changes.withLock { $0.isEmpty })
    try await bench.device.completeKernel("A/k0")
    try await bench.device.completeKernel("B/k0")
    _ = (await first.value, await second.value)
    let seen = changes.withLock { $0 }
    #expect(Set(seen.map(\.change)) == ["released A", "evicted", "granted B"])
    #expect(seen.allSatisfy { $0.answers == [0] })
  }

  @Test("who receives an answer may ask for the memory that its member has held")
  func receiverAsks() async throws {
    let probe = try TestBench()
    defer { probe.models.remove() }
    let one = try probe.link([probe.models.chain("A", seeds: [1])])
    let single = one.uniqueWeightBytes + one.arenaBytes + roundedToPages(one.members[0].plan.requestBytes)
    let bench = try TestBench(budget: single, manualLoads: false, manualKernels: false)
    defer { bench.models.remove() }
    let next = try bench.link([bench.models.chain("B", seeds: [2])])
    let log = AnswerLog()
    let run = bench.start(try bench.link([bench.models.chain("A", seeds: [1])])) { _, _ in
      _ = bench.start(next, log: log)
    }
    #expect(try await run.value.map { try $0.get().outputs.count } == [1])
    try await log.wait(for: 1)
  }

  @Test("whoever takes long over the news that a member was refused holds nobody else up")
  func slowReceiver() async throws {
    // A  refused |-- its receiver is busy until B has answered --|
    // B             granted, k0 |==| answer
    let bench = try TestBench(budget: 40 * pageSize, manualLoads: false, manualKernels: false)
    defer { bench.models.remove() }
    let (a, b) = (try bench.models.chain("A", seeds: [1, 2]), try bench.models.chain("B", seeds: [3]))
    let (refused, granted) = (try bench.link([a]), try bench.link([b]))
    // Leaves too little for A.
    let pinned = ItemID.arena(.max)
    let lease = try await bench.residency.reserve(
      owner: "pinned",
      items: [
        ItemRequest(
          item: ResidencyItem(id: pinned, byteCount: 20 * pageSize, reloadCost: 0), source: .allocate)
      ], exclusiveBytes: 0)
    bench.residency.pin(pinned)
    lease.release()
    let (refusals, answers) = (AnswerLog(), AnswerLog())
    let isAnswered = DispatchSemaphore(value: 0)
    defer { isAnswered.signal() }
    let first = bench.start(refused) { member, answer in
      refusals.add(member, answer)
      isAnswered.wait()
    }
    try await refusals.wait(for: 1)
    let second = bench.start(granted, log: answers)
    try await answers.wait(for: 1)
    isAnswered.signal()
    let refusal = await first.value[0]
    #expect(throws: ResidencyError.self) { try refusal.get() }
    _ = await second.value
  }
}
