import Foundation
import Device

/// Records what loads, kernels and lanes did over time, and writes it in Chrome's trace format, which Perfetto opens
/// (the "Trace Event Format" document of the Chromium project).
public final class Trace: Sendable {
  /// An event on one track: a span of time, or an instant.
  public struct Event: Sendable {
    public enum Track: Sendable, Hashable { case lane(Int), loads, residency }
    public var track: Track
    public var name: String
    /// The member that it belongs to; empty for what belongs to none.
    public var model: String
    /// Nanoseconds of the monotonic clock.
    public var start: UInt64
    /// `nil` for an instant.
    public var end: UInt64?
    /// Further facts: threads, bytes, the kernel's implementation.
    public var facts: [String: String]
  }

  private let recorded = Locked<[Event]>([])

  public init() {}

  /// The recorded events, in the order in which they ended.
  public var events: [Event] { recorded.withLock { $0 } }

  public func record(_ event: Event) { recorded.withLock { $0.append(event) } }

  /// The trace as JSON text.
  public func json() throws -> Data {
    let events = self.events
    let origin = events.map(\.start).min() ?? 0
    var rows: [TraceRow] = []
    var tracks: [Int: String] = [:]
    // Spans of one row must not overlap, and loads do: each goes to the first row that is free when it starts.
    var loadRows: [UInt64] = []
    for event in events.sorted(by: { $0.start < $1.start }) {
      let (first, title) = event.track.identity
      var number = first
      if event.track == .loads {
        let row = loadRows.firstIndex { $0 <= event.start } ?? loadRows.endIndex
        if row == loadRows.endIndex { loadRows.append(0) }
        loadRows[row] = event.end ?? event.start
        number += row
      }
      tracks[number] = number == first ? title : "\(title) \(number - first + 1)"
      rows.append(
        TraceRow(
          name: event.model.isEmpty ? event.name : "\(event.model): \(event.name)", cat: title,
          ph: event.end == nil ? "i" : "X", ts: Double(event.start - origin) / 1000,
          dur: event.end.map { Double($0 - event.start) / 1000 }, tid: number, args: event.facts))
    }
    for (number, title) in tracks.sorted(by: { $0.key < $1.key }) {
      rows.append(
        TraceRow(name: "thread_name", cat: nil, ph: "M", ts: 0, dur: nil, tid: number, args: ["name": title]))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(["traceEvents": rows])
  }
}

private struct TraceRow: Encodable {
  var name: String
  var cat: String?
  var ph: String
  var ts: Double
  var dur: Double?
  var pid = 1
  var tid: Int
  var args: [String: String]
}

extension Trace.Event.Track {
  fileprivate var identity: (number: Int, title: String) {
    switch self {
    case .loads: (1000, "loads")
    case .residency: (2, "residency")
    case .lane(let number): (10 + number, "lane \(number)")
    }
  }
}

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
