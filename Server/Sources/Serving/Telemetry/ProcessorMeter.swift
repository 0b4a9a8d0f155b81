import Device
import Foundation

/// The load of the machine's processors between two readings.
final class ProcessorMeter: Sendable {
  private let last = Locked<(busy: UInt64, all: UInt64)?>(nil)

  /// From 0 to 1 since the last look, or since the machine started at the first; `nil` where it cannot be read.
  func share() -> Double? {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let line = text.split(separator: "\n").first, line.hasPrefix("cpu ")
    else { return nil }
    // user, nice, system, idle, iowait, irq, softirq, steal: proc(5).
    let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
    guard ticks.count >= 5 else { return nil }
    let all = ticks.reduce(0, &+)
    let busy = all &- ticks[3] &- ticks[4]
    return last.withLock { last in
      let before = last ?? (0, 0)
      last = (busy, all)
      guard all > before.all, busy >= before.busy else { return 0 }
      return Double(busy - before.busy) / Double(all - before.all)
    }
  }
}
