/// Why the server does not do what it was asked, in a form that every transport has a code for.
public struct ServiceError: Error, Sendable, CustomStringConvertible {
  /// A small closed set, for status codes and metric labels.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case invalidRequest = "invalid_request"
    case unauthenticated
    case forbidden
    case notFound = "not_found"
    case tooLarge = "too_large"
    case tooManyRequests = "too_many_requests"
    case cancelled
    case failed
    /// The run of a model failed: its kernels, its device or its file.
    case runFailed = "run_failed"
    case unsupported
    case unavailable
    case deadlineExceeded = "deadline_exceeded"
  }

  public let kind: Kind
  public let description: String
  /// When asking again may work.
  public let retryAfter: Duration?

  public init(_ kind: Kind, _ description: String, retryAfter: Duration? = nil) {
    self.kind = kind
    self.description = description
    self.retryAfter = retryAfter
  }

  /// The same in other words.
  func saying(_ description: String) -> ServiceError {
    ServiceError(kind, description, retryAfter: retryAfter)
  }

  /// The status of the HTTP response.
  public var httpStatus: Int {
    switch kind {
    case .invalidRequest: 400
    case .unauthenticated: 401
    case .forbidden: 403
    case .notFound: 404
    case .tooLarge: 413
    case .tooManyRequests: 429
    case .cancelled: 499
    case .failed: 500
    case .unsupported: 501
    case .unavailable, .runFailed: 503
    case .deadlineExceeded: 504
    }
  }
}
