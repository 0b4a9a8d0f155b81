import Device

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension HostMemoryPool {
  /// Maps the first pending extent, and all that follow it in the file and in the queue, as one mapping: only a mapping
  /// that covers a huge page of the page cache can use it as one. Pages are made present extent by extent, and each load
  /// completes when its own are.
  func mapNext() {
    gather()
    var rest = pendingMaps.withLock { $0.takeNeighbours() }[...]
    while let first = rest.popFirst() {
      do {
        var run = [try claim(first)]
        // A load that cannot be claimed beside its neighbour begins a run of its own, or fails there.
        while let next = rest.first, let last = run.last, let claimed = try? claim(next) {
          guard claimed.file === last.file else {
            unmap(claimed.range, of: claimed.file)
            break
          }
          run.append(claimed)
          rest.removeFirst()
        }
        map(run)
      } catch {
        first.completion(.failure(error))
      }
    }
  }

  /// Waits while whoever asks for loads is asking for more of them. It takes microseconds to ask, and the thread that
  /// maps often takes the core of the one that asks: it would map extent by extent, in small pages.
  private func gather() {
    var seen = 0
    for _ in 0..<20 {
      let count = pendingMaps.withLock { $0.count }
      guard count > seen else { return }
      seen = count
      usleep(20)
    }
  }

  /// A pending load with its place in a reservation.
  private struct Claimed {
    var load: PendingLoad
    var file: MappedFile
    var range: Range<Int>
  }

  private func claim(_ load: PendingLoad) throws -> Claimed {
    try load.request.check()
    let (file, range) = try state.withLock { try $0.claim(load.request) }
    return Claimed(load: load, file: file, range: range)
  }

  private func map(_ run: [Claimed]) {
    guard let first = run.first, let last = run.last else { return }
    let mapping = Result {
      try first.file.map(first.range.lowerBound..<last.range.upperBound, for: first.load.request)
    }
    for claimed in run {
      do {
        try mapping.get()
        try claimed.file.populate(claimed.range, for: claimed.load.request, asksKernel: asksKernel)
        claimed.load.completion(.success(state.withLock { $0.hold(.mapped(claimed.file, claimed.range)) }))
      } catch {
        unmap(claimed.range, of: claimed.file)
        claimed.load.completion(.failure(error))
      }
    }
  }

  func unmap(_ range: Range<Int>, of file: MappedFile) {
    file.unmap(range)
    state.withLock { $0.yield(range, of: file) }
  }
}

extension [PendingLoad] {
  /// Takes the first load and those after it that go on where the one before ends.
  fileprivate mutating func takeNeighbours() -> [PendingLoad] {
    var count = Swift.min(1, self.count)
    while count > 0, count < self.count, self[count].request.follows(self[count - 1].request) { count += 1 }
    defer { removeFirst(count) }
    return Array(self[..<count])
  }
}

extension LoadRequest {
  /// True when the extent starts in the same file where `other` ends.
  fileprivate func follows(_ other: LoadRequest) -> Bool {
    let (end, overflow) = other.offset.addingReportingOverflow(other.byteCount)
    return MappedFile.Key(self) == MappedFile.Key(other) && !overflow && offset == end
  }
}
