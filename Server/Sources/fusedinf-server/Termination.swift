import Dispatch
import Foundation
import Logging
import Synchronization

/// Ends the process in order: SIGTERM or SIGINT begins it; a second one, or the timeout, cuts short what still runs.
final class Termination: Sendable {
  private let isEnding = Atomic(false)
  private let timeout: Duration
  private let log: Logger
  private let begin: @Sendable () -> Void

  /// - Parameter begin: called once, when the end begins.
  init(timeout: Duration, log: Logger, begin: @escaping @Sendable () -> Void) {
    self.timeout = timeout
    self.log = log
    self.begin = begin
  }

  /// A signal has asked for the end.
  func signalled(_ name: String) {
    guard !isEnding.exchange(true, ordering: .relaxed) else {
      log.warning("\(name) again: exiting at once")
      leave()
    }
    log.info(
      "\(name): shutting down; running requests are answered first",
      metadata: ["timeout": "\(timeout.written)"])
    begin()
    Thread.detachNewThread { [timeout, log, leave] in
      Thread.sleep(forTimeInterval: Double(timeout.milliseconds) / 1000)
      log.warning("requests still running after \(timeout.written) were cancelled")
      leave()
    }
  }

  /// Ends the process without waiting for anything. Files are safe at any moment, so nothing has to be put away.
  private func leave() -> Never { _exit(0) }
}
