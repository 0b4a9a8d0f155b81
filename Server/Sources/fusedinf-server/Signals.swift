import Dispatch
import Foundation

/// Signals as calls, on one thread of their own for as long as this lives.
final class Signals {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter actions: what each signal does; its default action no longer happens.
  init(_ actions: [Int32: @Sendable () -> Void]) {
    let queue = DispatchQueue(label: "fusedinf.signals")
    sources = actions.map { number, action in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler(handler: action)
      source.activate()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }
}
