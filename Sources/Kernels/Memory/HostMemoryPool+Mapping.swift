import Device
import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension HostMemoryPool {
  /// Maps pending extents on the calling thread, for a millisecond or so: the file's pages are in the page cache most
  /// often, and a loader thread would take the core of a kernel in the middle of its work.
  package func assistMapping() {
    let end = DispatchTime.now() + .milliseconds(1)
    while mapPending(), DispatchTime.now() < end {}
  }

  /// Maps pending extents that no lane has mapped by now. A lane that is woken for them comes a little later than the
  /// thread that is woken to load them.
  func mapNext() {
    guard pendingMaps.withLock({ !$0.isEmpty }) else { return }
    usleep(200)
    mapPending()
  }

  /// Maps pending extents of one file; those that follow each other in it as one mapping, since only a mapping that covers
  /// a huge page of the page cache can use it as one.
  /// - Returns: false when nothing is pending.
  @discardableResult private func mapPending() -> Bool {
    let loads = pendingMaps.withLock { $0.takeOneFile() }
    var rest = loads[...]
    while let first = rest.popFirst() {
      do {
        var run = [try claim(first)]
        // A load that cannot be claimed beside its neighbour begins a run of its own, or fails there.
        while let next = rest.first, let last = run.last, next.request.follows(last.load.request),
          let claimed = try? claim(next)
        {
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
    return !loads.isEmpty
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
    let range = first.range.lowerBound..<last.range.upperBound
    let mapping = Result { try first.file.map(range, for: first.load.request) }
    // All at once; where a page cannot be read, each for itself.
    let isPresent =
      (try? mapping.get()) != nil
      && (try? first.file.populate(range, for: first.load.request, asksKernel: asksKernel)) != nil
    for claimed in run {
      do {
        try mapping.get()
        if !isPresent {
          try claimed.file.populate(claimed.range, for: claimed.load.request, asksKernel: asksKernel)
        }
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
  /// Takes the loads of the first one's file, in the order of the file, which is that of execution; up to a bound.
  fileprivate mutating func takeOneFile() -> [PendingLoad] {
    guard let first else { return [] }
    let key = MappedFile.Key(first.request)
    var bytes = 0
    var taken: [PendingLoad] = []
    var left: [PendingLoad] = []
    for load in self {
      let isTaken = bytes < Self.runBytes && MappedFile.Key(load.request) == key
      if isTaken { bytes += Swift.min(Swift.max(load.request.byteCount, 0), Self.runBytes) }
      isTaken ? taken.append(load) : left.append(load)
    }
    self = left
    return taken.sorted { $0.request.offset < $1.request.offset }
  }

  /// Bytes from which the rest is left for the next time: mapped in under a millisecond, and many huge pages.
  private static var runBytes: Int { 32 << 20 }
}

extension LoadRequest {
  /// True when the extent starts in the same file where `other` ends.
  fileprivate func follows(_ other: LoadRequest) -> Bool {
    let (end, overflow) = other.offset.addingReportingOverflow(other.byteCount)
    return MappedFile.Key(self) == MappedFile.Key(other) && !overflow && offset == end
  }
}
