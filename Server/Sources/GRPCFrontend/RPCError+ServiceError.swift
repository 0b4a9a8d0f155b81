import GRPCCore
import Serving

extension RPCError {
  /// A refusal as a status that clients act on. When asking again may work, the trailing metadata say after how long: in
  /// seconds as HTTP's `retry-after`, and in milliseconds as `grpc-retry-pushback-ms`, which gRPC's own retries heed (gRFC
  /// A6).
  package init(_ error: ServiceError) {
    var metadata = Metadata()
    if let delay = error.retryAfter {
      let milliseconds = delay.milliseconds
      let seconds = milliseconds / 1000 + (milliseconds % 1000 == 0 ? 0 : 1)
      metadata.addString("\(seconds)", forKey: "retry-after")
      metadata.addString("\(milliseconds)", forKey: "grpc-retry-pushback-ms")
    }
    self.init(code: Code(error.kind), message: error.description, metadata: metadata)
  }
}

extension RPCError.Code {
  init(_ kind: ServiceError.Kind) {
    self =
      switch kind {
      case .invalidRequest: .invalidArgument
      case .unauthenticated: .unauthenticated
      case .forbidden: .permissionDenied
      case .notFound: .notFound
      // Asking again is of no use: it never fits.
      case .tooLarge: .failedPrecondition
      case .tooManyRequests: .resourceExhausted
      case .cancelled: .cancelled
      case .failed: .internalError
      case .unsupported: .unimplemented
      case .unavailable, .runFailed: .unavailable
      case .deadlineExceeded: .deadlineExceeded
      }
  }
}

extension Duration {
  /// Whole milliseconds, rounded up, not negative.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    return overflow ? .max : product &+ (attoseconds &+ 999_999_999_999_999) / 1_000_000_000_000_000
  }
}
