import Residency

extension Residency {
  /// Has loads and evictions recorded in `trace` from now on.
  public func record(to trace: Trace) {
    onChange = { event in
      let now = monotonicNanoseconds()
      switch event.change {
      case .loadFinished(let id, let byteCount, let microseconds, _):
        trace.record(
          Trace.Event(
            track: .loads, name: "load \(id)", model: "", start: now - UInt64(max(microseconds, 0) * 1000),
            end: now,
            facts: ["bytes": "\(byteCount)", "resident": "\(event.residentBytes)"]))
      case .evicted(let id, let byteCount):
        trace.record(
          Trace.Event(
            track: .residency, name: "evict \(id)", model: "", start: now, end: nil,
            facts: ["bytes": "\(byteCount)", "resident": "\(event.residentBytes)"]))
      case .loadFailed(let id, let byteCount):
        trace.record(
          Trace.Event(
            track: .residency, name: "load failed \(id)", model: "", start: now, end: nil,
            facts: ["bytes": "\(byteCount)"]))
      case .granted(let owner, _), .released(let owner, _):
        let word = if case .granted = event.change { "granted" } else { "released" }
        trace.record(
          Trace.Event(
            track: .residency, name: word, model: owner, start: now, end: nil,
            facts: ["resident": "\(event.residentBytes)"]))
      case .loadStarted: break
      }
    }
  }
}
