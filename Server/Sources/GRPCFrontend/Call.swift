import Executor
import GRPCCore
import InferenceProtocol
import Serving
import Tensors

/// One call: its caller and its deadline.
package struct Call: Sendable {
  let metadata: Metadata
  let context: ServerContext
  let service: InferenceService
  let drain: Drain
  /// When the call has to be answered, in ``monotonicNanoseconds()``; from `grpc-timeout`, which ``RequestLimits`` hands on.
  let deadline: UInt64?

  init(metadata: Metadata, context: ServerContext, service: InferenceService, drain: Drain) {
    self.metadata = metadata
    self.context = context
    self.service = service
    self.drain = drain
    deadline = metadata.first(RequestLimits.timeoutField).flatMap(Call.nanoseconds(timeout:)).map { timeout in
      let (deadline, overflow) = monotonicNanoseconds().addingReportingOverflow(timeout)
      return overflow ? .max : deadline
    }
  }

  /// Refuses the caller whose key is missing or unknown.
  func authenticate(_ kind: AccessAction.Kind) throws(ServiceError) {
    try service.access.authenticate(caller, kind)
  }

  /// - Returns: the tenant that the caller is.
  func authorize(_ action: AccessAction) throws(ServiceError) -> String {
    try service.access.authorize(caller, action)
  }

  /// False once the server is to end.
  var isReady: Bool { service.readiness.isReady && !drain.isDraining }

  /// The key comes as `authorization: Bearer KEY` or as `x-api-key: KEY`.
  var caller: Caller {
    Caller(
      key: metadata.first("authorization").flatMap(Call.bearerToken) ?? metadata.first("x-api-key"),
      isLoopback: Call.isLoopback(peer: context.remotePeer)
        && metadata.first(RequestLimits.remoteField) == nil)
  }

  /// Returns the error that the caller receives for `error`.
  func rpcError(_ error: any Error) -> RPCError {
    switch (error as? AccountFull).map(ServiceError.init) ?? error {
    case let error as RPCError: error
    case let error as ServiceError:
      // gRPC cancels a call whose time is over.
      if error.kind == .cancelled, isLate {
        RPCError(ServiceError(.deadlineExceeded, "the call's deadline has passed"))
      } else {
        RPCError(error)
      }
    case let error as ProtocolError: RPCError(code: .invalidArgument, message: error.description)
    case let error as TensorError: RPCError(code: .invalidArgument, message: error.description)
    case is CancellationError:
      isLate
        ? RPCError(code: .deadlineExceeded, message: "the call's deadline has passed")
        : RPCError(code: .cancelled, message: "the call was cancelled")
    default: RPCError(code: .internalError, message: "\(error)")
    }
  }

  /// Until when an inference matters, in microseconds from now: the call's deadline or the request's own `timeout`,
  /// whichever comes first.
  /// - Parameter timeout: the request's parameter, in microseconds; 0 and less are none.
  /// - Returns: `nil` when the parameter stands as it is.
  /// - Throws: ``ServiceError`` when the call's deadline has passed.
  func microsecondsLeft(besides timeout: Parameter?) throws(ServiceError) -> Int64? {
    guard let deadline else { return nil }
    let now = monotonicNanoseconds()
    guard deadline > now else { throw ServiceError(.deadlineExceeded, "the call's deadline has passed") }
    let left = Int64(clamping: max(1, (deadline - now) / 1000))
    switch timeout {
    case nil: return left
    case .int(let own): return own <= 0 || own > left ? left : nil
    // Other errors are explained by their reader.
    default: return nil
    }
  }

  /// True if the deadline has passed, or if the transport, whose clock began a little earlier, has ended the
  /// call for that reason. If the client has gone away instead, nobody reads the status.
  private var isLate: Bool {
    guard let deadline else { return false }
    return deadline <= monotonicNanoseconds() || (context.cancellation.isCancelled && !drain.isDraining)
  }

  // MARK: Text of the protocol

  /// The duration of a `grpc-timeout` ("PROTOCOL-HTTP2": up to eight digits and a unit); `nil` when it is none.
  package static func nanoseconds(timeout: String) -> UInt64? {
    let digits = timeout.dropLast()
    // Swift's numbers may have a sign, gRPC's have none.
    guard let unit = timeout.last, timeout.utf8.count <= 9,
      digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let amount = UInt64(digits)
    else { return nil }
    let factor: UInt64
    switch unit {
    case "H": factor = 3_600_000_000_000
    case "M": factor = 60_000_000_000
    case "S": factor = 1_000_000_000
    case "m": factor = 1_000_000
    case "u": factor = 1000
    case "n": factor = 1
    default: return nil
    }
    let (nanoseconds, overflow) = amount.multipliedReportingOverflow(by: factor)
    return overflow ? .max : nanoseconds
  }

  package static func bearerToken(_ authorization: String) -> String? {
    let scheme = "bearer "
    guard authorization.lowercased().hasPrefix(scheme) else { return nil }
    return String(authorization.dropFirst(scheme.count))
  }

  /// - Parameter peer: as the transport names it, `ipv4:127.0.0.1:40522` or `ipv6:[::1]:40522`.
  package static func isLoopback(peer: String) -> Bool {
    peer.hasPrefix("ipv4:127.") || peer.hasPrefix("ipv6:[::1]:") || peer.hasPrefix("ipv6:[::ffff:127.")
      || peer.hasPrefix("unix:")
  }
}

extension Metadata {
  /// The first text under a key.
  package func first(_ key: String) -> String? { self[stringValues: key].first { _ in true } }
}
