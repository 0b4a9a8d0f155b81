import Dispatch

/// Calls at a time that is set.
///
/// @unchecked Sendable: a dispatch source may be used from any thread.
final class Alarm: @unchecked Sendable {
  private let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "fusedinf.scheduler.alarm"))

  /// - Parameter body: called at each time that was set, and not replaced by another before.
  func start(_ body: @escaping @Sendable () -> Void) {
    timer.setEventHandler(handler: body)
    timer.activate()
  }

  /// Sets the time, in nanoseconds of the monotonic clock, in place of the one that was set before.
  func set(_ time: UInt64) {
    timer.schedule(deadline: DispatchTime(uptimeNanoseconds: min(time, UInt64(Int64.max / 2))))
  }

  deinit { timer.cancel() }
}
