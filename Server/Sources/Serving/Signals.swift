import Dispatch
import Foundation

/// Signals as calls, on one thread of their own for as long as this lives.
public final class Signals {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter actions: what each signal does; its default action no longer happens.
  public init(_ actions: [Int32: @Sendable () -> Void]) {
    let queue = DispatchQueue(label: "fusedinf.signals")
    sources = actions.map { number, action in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler(handler: action)
      source.setRegistrationHandler { Signals.takeOnSignalStack(number) }
      source.activate()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }

  /// The source has a handler by now, which any thread may be interrupted by: also one whose kernel keeps what it computes
  /// below its stack pointer.
  private static func takeOnSignalStack(_ number: Int32) {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return }
    action.sa_flags |= SA_ONSTACK
    sigaction(number, &action, nil)
  }
}
