import Device
import Residency
import Testing

/// Four of sixteen extents, of one to four pages each, and one of two arenas.
private func items(_ seed: Int) -> [ItemRequest] {
  [arena(UInt64(seed % 2), pages: 1)]
    + (0..<4).map { position in
      let number = (seed &* 7 &+ position &* 5) % 16
      return stored("\(number)", pages: number % 4 + 1, cost: Double(number))
    }
}

/// The device has exactly the budget: were a load ever begun before what it replaces was given back, by whichever
/// thread, it would fail.
@Test(.timeLimit(.minutes(10)))
func `lanes that reserve and release at the same time never exceed the budget`() async throws {
  let budget = 24 * pageSize
  let device = NullDevice(memoryLimit: budget)
  let residency = Residency(device: device, budget: budget)
  let over = Locked(0)
  residency.onChange = { event in if event.residentBytes > budget { over.withLock { $0 += 1 } } }
  try await withThrowingTaskGroup(of: Void.self) { lanes in
    for lane in 0..<4 {
      lanes.addTask {
        for round in 0..<250 {
          let items = items(lane &* 1000 &+ round)
          let lease = try await residency.reserve(owner: "lane \(lane)", items: items, exclusiveBytes: 0)
          try await onLane { for item in items { _ = try lease.ticket(for: item.item.id).wait() } }
          if round % 50 == 49 { residency.evictIdle() }
          lease.release()
        }
      }
    }
    try await lanes.waitForAll()
  }
  #expect(over.withLock { $0 } == 0)
  #expect(device.peakBytes <= budget)
  #expect(device.misuses.isEmpty)
  residency.evictIdle()
  #expect(residency.snapshot.residentBytes == 0)
  // Another thread may be about to give the last of it back.
  while device.liveBytes > 0 { try? await Task.sleep(for: .milliseconds(1)) }
}

/// A chain: each grant's callback lets go of its own lease and asks for the next, from within.
@Test(.timeLimit(.minutes(10)))
func `callbacks may reserve and release`() async throws {
  let residency = Residency(device: NullDevice(), budget: 12 * pageSize)
  let granted = Locked(0)
  @Sendable func next(_ round: Int, _ done: @escaping @Sendable () -> Void) {
    residency.reserve(owner: "m", items: items(round), exclusiveBytes: 0) { result in
      if let lease = try? result.get() {
        granted.withLock { $0 += 1 }
        lease.release()
      }
      if round == 0 { done() } else { next(round - 1, done) }
    }
  }
  await withTaskGroup(of: Void.self) { chains in
    for _ in 0..<3 {
      chains.addTask { await withCheckedContinuation { done in next(200) { done.resume() } } }
    }
  }
  #expect(granted.withLock { $0 } == 3 * 201)
  #expect(residency.snapshot.waiting.isEmpty)
  #expect(residency.snapshot.items.allSatisfy { $0.leases == 0 })
}

/// Half of the tasks are cancelled at some moment before, while or after they wait.
@Test(.timeLimit(.minutes(10)))
func `cancelling at any moment leaks neither a lease nor a task`() async throws {
  let residency = Residency(device: NullDevice(), budget: 12 * pageSize)
  await withTaskGroup(of: Void.self) { group in
    for round in 0..<400 {
      group.addTask {
        let task = Task {
          let lease = try await residency.reserve(owner: "m", items: items(round), exclusiveBytes: 0)
          await Task.yield()
          lease.release()
        }
        for _ in 0..<round % 7 { await Task.yield() }
        if round % 2 == 0 { task.cancel() }
        do { try await task.value } catch {
          #expect(round % 2 == 0 && error is CancellationError, "round \(round): \(error)")
        }
      }
    }
  }
  #expect(residency.snapshot.waiting.isEmpty)
  #expect(residency.snapshot.exclusiveBytes == 0)
  #expect(residency.snapshot.items.allSatisfy { $0.leases == 0 })
}
