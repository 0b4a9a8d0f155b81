import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Work on processors and disks that nobody else wants.
public enum BackgroundThread {
  /// Runs `body` on a thread of its own that keeps out of everybody's way. It should hold no lock that others need.
  public static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      Thread {
        keepOutOfTheWay()
        continuation.resume(returning: body())
      }.start()
    }
  }

  /// Threads that the calling one makes from now on do as it does, and the kernel gives those of this scheduling class
  /// the idle class of its block devices too.
  static func keepOutOfTheWay() {
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    var parameters = sched_param()
    // SCHED_IDLE of sched(7), which Glibc's module leaves out.
    sched_setscheduler(0, 5, &parameters)
  }
}
