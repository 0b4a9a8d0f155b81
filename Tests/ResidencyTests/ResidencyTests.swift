import Device
import Dispatch
import Residency
import Testing

/// Asks without waiting for the answer.
private final class Asked: Sendable {
  private let answer = Locked<Result<Lease, any Error>?>(nil)
  private let id = Locked<ReservationID?>(nil)

  init(_ owner: String, _ items: [ItemRequest], exclusiveBytes: Int = 0, of residency: Residency) {
    let id = residency.reserve(owner: owner, items: items, exclusiveBytes: exclusiveBytes) {
      [answer] result in
      answer.withLock { $0 = result }
    }
    self.id.withLock { $0 = id }
  }

  /// The lease, when it has been granted.
  var lease: Lease? { answer.withLock { try? $0?.get() } }
  var error: (any Error)? { answer.withLock { if case .failure(let error)? = $0 { error } else { nil } } }
  /// Waits for the answer, which another thread that carries out decisions may be about to give.
  func isAnswered() async {
    while answer.withLock({ $0 == nil }) { try? await Task.sleep(for: .milliseconds(1)) }
  }
  func cancel(in residency: Residency) { if let id = id.withLock({ $0 }) { residency.cancel(id) } }
}

// load a: |------- open -------|done
// load b: |---------- open ------------|done
// lane:   |waits for a---------|waits for b
@Test func `a lease is granted before its loads are done, and a lane waits for one at a time`() async throws {
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 4 * pageSize)
  let lease = try await residency.reserve(
    owner: "m", items: [stored("a"), stored("b", pages: 2)], exclusiveBytes: 10)
  #expect(device.openLoads == ["a", "b"])
  #expect(!lease.ticket(for: .extent("a")).isReady)
  async let a = onLane { try lease.ticket(for: .extent("a")).wait() }
  try await device.completeLoad("a")
  let first = try await a
  #expect(lease.ticket(for: .extent("a")).isReady)
  #expect(!lease.ticket(for: .extent("b")).isReady)
  async let b = onLane { try lease.ticket(for: .extent("b")).wait() }
  try await device.completeLoad("b")
  #expect(try await b.handle != first.handle)
  #expect(try lease.ticket(for: .extent("a")).wait() == first)
  #expect(residency.snapshot.residentBytes == 3 * pageSize + 10)
  lease.release()
  lease.release()
  #expect(residency.snapshot.residentBytes == 3 * pageSize)
  #expect(residency.snapshot.items.map(\.leases) == [0, 0])
}

// m1: a    |--- a is open ------------------|
// m2: a, b    |--- b is open ---------------|
// m3: a, b       |--- neither, for its sake |
@Test func `a lease tells what was brought in for it alone`() async throws {
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 4 * pageSize)
  let (a, b) = (ItemID.extent("a"), ItemID.extent("b"))
  var leases = [try await residency.reserve(owner: "m1", items: [stored("a")], exclusiveBytes: 0)]
  for owner in ["m2", "m3"] {
    leases.append(
      try await residency.reserve(owner: owner, items: [stored("a"), stored("b")], exclusiveBytes: 0))
  }
  #expect(leases.map { $0.hasBroughtIn(a) } == [true, false, false])
  #expect(leases.map { $0.hasBroughtIn(b) } == [false, true, false])
  #expect(leases[0].ticket(for: a).arrival == nil)
  try await device.completeLoad("b")
  try await device.completeLoad("a")
  let arrivals = [b, a].compactMap { leases[2].ticket(for: $0).arrival }
  #expect(arrivals.count == 2 && arrivals[0] <= arrivals[1])
  #expect(leases.map { $0.hasBroughtIn(a) } == [true, false, false])
}

@Test func `one load serves two members, and the ticket of both`() async throws {
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 4 * pageSize)
  let one = try await residency.reserve(owner: "m1", items: [stored("a")], exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m2", items: [stored("a")], exclusiveBytes: 0)
  #expect(device.openLoads == ["a"])
  try await device.completeLoad("a")
  let (first, second) = try await (
    onLane { try one.ticket(for: .extent("a")).wait() }, onLane { try two.ticket(for: .extent("a")).wait() }
  )
  #expect(first == second)
  #expect(device.liveHandles == 1)
}

// m1: a, b(fails) |---------------|
// m2: a               |-------------- not concerned
// m3: b                       |---| waits for m1 to let go; loads again
@Test func `a load that fails tells its members alone, by their tickets`() async throws {
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 8 * pageSize)
  let one = try await residency.reserve(owner: "m1", items: [stored("a"), stored("b")], exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m2", items: [stored("a")], exclusiveBytes: 0)
  async let waits = onLane { try one.ticket(for: .extent("b")).wait() }
  try await device.failLoad("b", DeviceError(.load, "the disk is gone"))
  do {
    _ = try await waits
    Issue.record("a failed load gave memory")
  } catch { #expect("\(error)" == "the disk is gone") }
  #expect(!one.ticket(for: .extent("b")).isReady)
  try await device.completeLoad("a")
  _ = try two.ticket(for: .extent("a")).wait()
  let three = Asked("m3", [stored("b")], of: residency)
  #expect(three.lease == nil)
  one.release()
  #expect(three.lease != nil)
  try await device.completeLoad("b")
  _ = try three.lease?.ticket(for: .extent("b")).wait()
  #expect(residency.snapshot.residentBytes == 2 * pageSize)
  #expect(device.liveBytes == 2 * pageSize)
}

// m1: a of p |waits --|failed     |a
// m2: a of q |waits -----------------|a
// load:      |-- of p --|-- of q --|
@Test func `who waits for a load that fails is served from another's file, within the budget`() async throws {
  let device = NullDevice(manualLoads: true, memoryLimit: 2 * pageSize)
  let residency = Residency(device: device, budget: 2 * pageSize)
  let items = { [stored("a", pages: 2, from: $0)] }
  let one = try await residency.reserve(owner: "m1", items: items("p"), exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m2", items: items("q"), exclusiveBytes: 0)
  async let first = onLane { try one.ticket(for: .extent("a")).wait() }
  async let second = onLane { try two.ticket(for: .extent("a")).wait() }
  try await device.failLoad("a", DeviceError(.load, "p is gone"))
  #expect(device.openLoads == ["a"])
  #expect(!one.hasBroughtIn(.extent("a")) && two.hasBroughtIn(.extent("a")))
  try await device.completeLoad("a")
  let spans = try await (first, second)
  #expect(spans.0 == spans.1)
  #expect(residency.snapshot.items.map(\.state) == [.resident])
  #expect(device.liveBytes == 2 * pageSize)
}

@Test func `who waits for a load that fails from all files hears of it`() async throws {
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 2 * pageSize)
  let one = try await residency.reserve(owner: "m1", items: [stored("a", from: "p")], exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m2", items: [stored("a", from: "q")], exclusiveBytes: 0)
  try await device.failLoad("a", DeviceError(.load, "p is gone"))
  try await device.failLoad("a", DeviceError(.load, "q is gone"))
  for lease in [one, two] {
    await #expect(throws: DeviceError.self) {
      try await onLane { try lease.ticket(for: .extent("a")).wait() }
    }
    lease.release()
  }
  #expect(residency.snapshot.residentBytes == 0)
}

@Test func `memory is given back before the load that needs its room starts`() async throws {
  let device = NullDevice(memoryLimit: 3 * pageSize)
  let residency = Residency(device: device, budget: 3 * pageSize)
  for round in 0..<20 {
    let lease = try await residency.reserve(
      owner: "m", items: [stored("e\(round % 4)", pages: 2), stored("f\(round % 3)")], exclusiveBytes: 0)
    for id in [ItemID.extent("e\(round % 4)"), .extent("f\(round % 3)")] {
      _ = try await onLane { try lease.ticket(for: id).wait() }
    }
    lease.release()
  }
  #expect(device.peakBytes == 3 * pageSize)
  #expect(residency.snapshot.counters.evictions > 20)
}

// Budget: 4 pages. m1 holds a(2), m2 holds c(2); m3 waits for b(1).
// thread 1: m1 lets go: |-- held up before a is given back --|a given back, b loaded
// thread 2:    m4 asks for d(1): granted, as a has gone     .|d loaded, by thread 1
@Test func `a load waits for memory that another thread is about to give back`() async throws {
  let device = NullDevice(manualLoads: true, memoryLimit: 4 * pageSize)
  let residency = Residency(device: device, budget: 4 * pageSize)
  let one = try await residency.reserve(owner: "m1", items: [stored("a", pages: 2)], exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m2", items: [stored("c", pages: 2)], exclusiveBytes: 0)
  try await device.completeLoad("a")
  try await device.completeLoad("c")
  let three = Asked("m3", [stored("b")], of: residency)
  let (isHeldUp, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
  residency.onChange = { event in
    guard case .released("m1", _) = event.change else { return }
    isHeldUp.signal()
    goesOn.wait()
  }
  async let isReleased: Void = onLane { one.release() }
  try await onLane { isHeldUp.wait() }
  let four = Asked("m4", [stored("d")], of: residency)
  #expect(device.openLoads.isEmpty)
  goesOn.signal()
  try await isReleased
  #expect(device.openLoads == ["b", "d"])
  #expect(three.lease != nil && four.lease != nil)
  #expect(device.peakBytes == 4 * pageSize)
  two.release()
  device.completeEverything()
}

@Test func `a task that is cancelled while it waits holds nothing, and the next one passes`() async throws {
  let device = NullDevice()
  let residency = Residency(device: device, budget: 2 * pageSize)
  let holder = try await residency.reserve(owner: "m1", items: [stored("a")], exclusiveBytes: 0)
  let waiting = Task {
    try await residency.reserve(owner: "m2", items: [stored("b", pages: 2)], exclusiveBytes: 0)
  }
  while residency.snapshot.waiting != ["m2"] { try? await Task.sleep(for: .milliseconds(1)) }
  let next = Asked("m3", [stored("c")], of: residency)
  #expect(next.lease == nil)
  waiting.cancel()
  await #expect(throws: CancellationError.self) { _ = try await waiting.value }
  await next.isAnswered()
  #expect(next.lease != nil)
  holder.release()
  #expect(residency.snapshot.waiting.isEmpty)
}

@Test(.timeLimit(.minutes(10)))
func `a task that is cancelled before it asks does not wait`() async throws {
  let residency = Residency(device: NullDevice(), budget: 2 * pageSize)
  let holder = try await residency.reserve(owner: "m1", items: [], exclusiveBytes: 2 * pageSize)
  let task = Task {
    while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
    return try await residency.reserve(owner: "m2", items: [stored("a")], exclusiveBytes: 0)
  }
  task.cancel()
  await #expect(throws: CancellationError.self) { _ = try await task.value }
  #expect(residency.snapshot.waiting.isEmpty)
  holder.release()
  #expect(residency.snapshot.residentBytes == 0)
}

@Test func `a reservation asked for by callback can be cancelled`() async throws {
  let residency = Residency(device: NullDevice(), budget: pageSize)
  let holder = Asked("m1", [stored("a")], of: residency)
  let waiting = Asked("m2", [stored("b")], of: residency)
  waiting.cancel(in: residency)
  await waiting.isAnswered()
  #expect(waiting.error is CancellationError)
  await holder.isAnswered()
  holder.cancel(in: residency)
  #expect(holder.lease != nil, "granted ones stay")
}

@Test func `a lease that is dropped is released`() async throws {
  let residency = Residency(device: NullDevice(), budget: pageSize)
  do {
    _ = try await residency.reserve(owner: "m1", items: [stored("a")], exclusiveBytes: 0)
  }
  #expect(residency.snapshot.items.allSatisfy { $0.leases == 0 })
  _ = try await residency.reserve(owner: "m2", items: [], exclusiveBytes: pageSize)
}

@Test func `too large a member is refused with both sizes`() async throws {
  let residency = Residency(device: NullDevice(), budget: 2 * pageSize)
  let error = await #expect(throws: ResidencyError.self) {
    _ = try await residency.reserve(owner: "resnet", items: [stored("a", pages: 3)], exclusiveBytes: 0)
  }
  let text = error?.description ?? ""
  #expect(text.contains("resnet") && text.contains("12288 bytes") && text.contains("8192 bytes"))
}

@Test func `a damaged extent is loaded again for the next member`() async throws {
  let device = NullDevice()
  let residency = Residency(device: device, budget: 2 * pageSize)
  let lease = try await residency.reserve(owner: "m", items: [stored("a")], exclusiveBytes: 0)
  let span = try await onLane { try lease.ticket(for: .extent("a")).wait() }
  device.poison("a")
  #expect(!device.isIntact(span.handle))
  residency.markDamaged(.extent("a"))
  #expect(residency.snapshot.items.map(\.state) == [.damaged])
  lease.release()
  try await device.waitForEvent(.released(name: "a", byteCount: pageSize))
  #expect(device.liveHandles == 0)
  let again = try await residency.reserve(owner: "m", items: [stored("a")], exclusiveBytes: 0)
  let fresh = try await onLane { try again.ticket(for: .extent("a")).wait() }
  #expect(device.isIntact(fresh.handle))
}

@Test func `arenas are allocated, shared by their number, and cheap to drop`() async throws {
  let device = NullDevice()
  let residency = Residency(device: device, budget: 4 * pageSize)
  let one = try await residency.reserve(owner: "m", items: [arena(1, pages: 2)], exclusiveBytes: 0)
  let two = try await residency.reserve(owner: "m", items: [arena(1, pages: 2)], exclusiveBytes: 0)
  let (a, b) = try await (
    onLane { try one.ticket(for: .arena(1)).wait() }, onLane { try two.ticket(for: .arena(1)).wait() }
  )
  #expect(a == b)
  #expect(device.events == [.allocated(byteCount: 2 * pageSize)])
  one.release()
  two.release()
  residency.evictIdle()
  try await device.waitForEvent(.released(name: nil, byteCount: 2 * pageSize))
  #expect(device.liveBytes == 0)
}

@Test func `an arena that cannot be allocated fails its member`() async throws {
  let residency = Residency(device: NullDevice(memoryLimit: pageSize), budget: 4 * pageSize)
  let lease = try await residency.reserve(owner: "m", items: [arena(1, pages: 2)], exclusiveBytes: 0)
  await #expect(throws: DeviceError.self) { try await onLane { try lease.ticket(for: .arena(1)).wait() } }
}

@Test func `an item that was not reserved has a ticket that throws`() async throws {
  let residency = Residency(device: NullDevice(), budget: pageSize)
  let lease = try await residency.reserve(owner: "m", items: [], exclusiveBytes: 0)
  #expect(throws: ResidencyError.self) { try lease.ticket(for: .extent("x")).wait() }
}

@Test func `whoever wants to know hears of each change in order, and never of more than the budget`()
  async throws
{
  let device = NullDevice(manualLoads: true)
  let residency = Residency(device: device, budget: 3 * pageSize)
  let heard = Locked<[ResidencyEvent]>([])
  residency.onChange = { event in heard.withLock { $0.append(event) } }
  let one = Asked("m1", [stored("a", pages: 2)], exclusiveBytes: 7, of: residency)
  try await device.completeLoad("a")
  let two = Asked("m2", [stored("b", pages: 2)], of: residency)
  one.lease?.release()
  try await device.failLoad("b")
  #expect(two.lease != nil)
  let page = pageSize
  let events = heard.withLock { $0 }
  #expect(
    events.map(\.residentBytes) == [2 * page, 2 * page + 7, 2 * page + 7, 2 * page, 0, 2 * page, 2 * page, 0])
  let words = events.map { event in
    switch event.change {
    case .loadStarted(let id, 8192, .mapped?): "start \(id)"
    case .loadFinished(let id, 8192, let microseconds, false) where microseconds >= 0: "finish \(id)"
    case .loadFailed(let id, 8192): "fail \(id)"
    case .evicted(let id, 8192): "evict \(id)"
    case .granted(let owner, let bytes): "grant \(owner) \(bytes)"
    case .released(let owner, let bytes): "release \(owner) \(bytes)"
    default: "\(event)"
    }
  }
  #expect(
    words == [
      "start extent a", "grant m1 7", "finish extent a", "release m1 7", "evict extent a", "start extent b",
      "grant m2 0", "fail extent b",
    ])
}

@Test func `pinned extents outlast what throws out the idle`() async throws {
  let device = NullDevice()
  let residency = Residency(device: device, budget: 4 * pageSize)
  let lease = try await residency.reserve(owner: "m", items: [stored("a"), stored("b")], exclusiveBytes: 0)
  for id in [ItemID.extent("a"), .extent("b")] { _ = try await onLane { try lease.ticket(for: id).wait() } }
  residency.pin(.extent("a"))
  lease.release()
  residency.evictIdle()
  #expect(residency.snapshot.items.map(\.id) == [.extent("a")])
  #expect(residency.snapshot.items.map(\.isPinned) == [true])
  residency.unpin(.extent("a"))
  residency.evictIdle()
  try await device.waitForEvent(.released(name: "a", byteCount: pageSize))
  #expect(device.liveHandles == 0)
}

@Test func `what is resident is given back with the residency`() async throws {
  let device = NullDevice()
  do {
    let residency = Residency(device: device, budget: 4 * pageSize)
    let lease = try await residency.reserve(
      owner: "m", items: [stored("a"), arena(1, pages: 1)], exclusiveBytes: 0)
    for id in [ItemID.extent("a"), .arena(1)] { _ = try await onLane { try lease.ticket(for: id).wait() } }
    #expect(device.liveHandles == 2)
  }
  // The last of the threads that told of the loads may still hold it for a moment.
  try await device.waitForEvent(.released(name: "a", byteCount: pageSize))
  try await device.waitForEvent(.released(name: nil, byteCount: pageSize))
  #expect(device.misuses.isEmpty)
}
