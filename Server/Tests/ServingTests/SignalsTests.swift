import Foundation
import Serving
import Testing

@Suite("Signals", .timeLimit(.minutes(5))) struct SignalsTests {
  @Test("a signal is a call, and is taken on the signal stack")
  func call() async {
    await confirmation { called in
      let (calls, call) = AsyncStream<Void>.makeStream()
      let signals = Signals([SIGUSR2: { call.yield() }])
      var action = sigaction()
      while sigaction(SIGUSR2, nil, &action) == 0, action.sa_flags & SA_ONSTACK == 0 {
        try? await Task.sleep(for: .milliseconds(1))
      }
      kill(getpid(), SIGUSR2)
      for await _ in calls.prefix(1) { called() }
      withExtendedLifetime(signals) {}
    }
  }
}
