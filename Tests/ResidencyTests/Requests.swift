import Device
import Dispatch
import Residency

/// Runs `body` on a thread of its own, as a lane does, and suspends until it is done.
func onLane<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
  try await withCheckedThrowingContinuation { ended in
    DispatchQueue(label: "lane").async { ended.resume(with: Result { try body() }) }
  }
}

private final class File: Sendable {}

/// An extent of so many pages that comes from a file. The cost of bringing it back is in µs a page.
func stored(
  _ name: String, pages: Int = 1, cost: Double = 1, from path: String = "m.fmod"
) -> ItemRequest {
  ItemRequest(
    item: extent(name, pages: pages, cost: cost, from: path),
    source: .load(
      LoadRequest(
        name: name, descriptor: -1, file: File(), path: path, offset: 0, byteCount: pages * pageSize,
        way: .mapped)))
}

/// Anonymous memory.
func arena(_ number: UInt64, pages: Int) -> ItemRequest {
  ItemRequest(
    item: ResidencyItem(id: .arena(number), byteCount: pages * pageSize, reloadCost: 0), source: .allocate)
}
