import CHost
import Device
import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension HostMemoryPool {
  /// Maps pending extents on the calling thread for at most a millisecond. The file's pages are usually in
  /// the page cache, and a loader thread would take the core from a running kernel. If the pages are not
  /// cached, the calling thread loads one piece and loader threads load the rest.
  package func assistMapping() {
    let deadline = DispatchTime.now() + .milliseconds(1)
    while mapPending(until: deadline), DispatchTime.now() < deadline {}
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
  /// - Parameter deadline: what is not present by then is left to the loader threads.
  /// - Returns: false when nothing is pending.
  @discardableResult private func mapPending(until deadline: DispatchTime = .distantFuture) -> Bool {
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
        map(run, until: deadline)
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

  private func map(_ run: [Claimed], until deadline: DispatchTime) {
    guard let first = run.first, let last = run.last else { return }
    do {
      try first.file.map(first.range.lowerBound..<last.range.upperBound, for: first.load.request)
    } catch {
      for claimed in run { end(claimed, .failure(error)) }
      return
    }
    populate(run[...], until: deadline)
  }

  /// Makes a mapped run present piece by piece; an extent's load completes with its piece.
  private func populate(_ run: ArraySlice<Claimed>, until deadline: DispatchTime) {
    var rest = run
    while let first = rest.first {
      if DispatchTime.now() >= deadline {
        let left = rest
        queue.append {
          self.populate(left, until: .distantFuture)
        } orElse: {
          populate(left, until: .distantFuture)
        }
        return
      }
      let count = Self.piece(of: rest)
      populate(rest.prefix(count), first)
      rest.removeFirst(count)
    }
  }

  private func populate(_ piece: ArraySlice<Claimed>, _ first: Claimed) {
    guard let last = piece.last else { return }
    let range = first.range.lowerBound..<last.range.upperBound
    // This thread's own: what others wait for meanwhile says nothing of this piece.
    let faults = fi_thread_major_faults()
    // All at once; where a page cannot be read, each for itself.
    let isPresent = (try? first.file.populate(range, for: first.load.request, asksKernel: asksKernel)) != nil
    for claimed in piece {
      end(
        claimed,
        Result {
          if isPresent { return }
          try claimed.file.populate(claimed.range, for: claimed.load.request, asksKernel: asksKernel)
        }, fromStorage: fi_thread_major_faults() != faults)
    }
  }

  /// Returns the number of extents that are loaded together: some megabytes, so that the first kernels start
  /// while the disk still reads the last extents.
  private static func piece(of run: ArraySlice<Claimed>) -> Int {
    var bytes = 0
    let count = run.prefix { claimed in
      bytes += claimed.range.count
      return bytes <= 4 << 20
    }.count
    return max(count, 1)
  }

  private func end(_ claimed: Claimed, _ result: Result<Void, any Error>, fromStorage: Bool = false) {
    switch result {
    case .success:
      claimed.load.completion(
        .success(
          state.withLock { $0.hold(.mapped(claimed.file, claimed.range), fromStorage: fromStorage) }))
    case .failure(let error):
      unmap(claimed.range, of: claimed.file)
      claimed.load.completion(.failure(error))
    }
  }

  func unmap(_ range: Range<Int>, of file: MappedFile) {
    file.unmap(range)
    state.withLock { $0.yield(range, of: file) }
  }
}

extension [PendingLoad] {
  /// Takes the loads of the first one's file, in the order of the file, which is that of execution.
  fileprivate mutating func takeOneFile() -> [PendingLoad] {
    guard let first else { return [] }
    let key = MappedFile.Key(first.request)
    defer { removeAll { MappedFile.Key($0.request) == key } }
    return filter { MappedFile.Key($0.request) == key }.sorted { $0.request.offset < $1.request.offset }
  }
}

extension LoadRequest {
  /// True when the extent starts in the same file where `other` ends.
  fileprivate func follows(_ other: LoadRequest) -> Bool {
    let (end, overflow) = other.offset.addingReportingOverflow(other.byteCount)
    return MappedFile.Key(self) == MappedFile.Key(other) && !overflow && offset == end
  }
}
