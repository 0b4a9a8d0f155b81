/// Why a request gets no answer from the scheduler.
public struct SchedulerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A small closed set, for metric labels and status codes.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case queueFull = "queue_full"
    case deadlineUnreachable = "deadline_unreachable"
    case deadlinePassed = "deadline_passed"
    case draining
    case doesNotFit = "does_not_fit"
  }

  package enum Code: Sendable, Equatable {
    case tooManyRequests(model: String, limit: Int, retryAfter: Duration)
    case tooManyBytes(model: String, bytes: Int, limit: Int, retryAfter: Duration)
    case requestTooLarge(model: String, bytes: Int, limit: Int)
    case displaced(model: String, retryAfter: Duration)
    case tooMuchWork(model: String, expected: Duration, limit: Duration, retryAfter: Duration)
    case waitedTooLong(model: String, limit: Duration, retryAfter: Duration)
    case deadlineUnreachable(model: String, expected: Duration, left: Duration, retryAfter: Duration)
    case deadlinePassed(model: String, waited: Duration)
    case draining(model: String)
    case unloading(model: String)
    case unpinned(model: String)
    case pinDoesNotFit(model: String, bytes: Int, pinned: Int, largest: Int, budget: Int)
  }

  private let code: Code

  package init(_ code: Code) { self.code = code }

  public var kind: Kind {
    switch code {
    case .tooManyRequests, .tooManyBytes, .displaced, .tooMuchWork, .waitedTooLong: .queueFull
    case .deadlineUnreachable: .deadlineUnreachable
    case .deadlinePassed: .deadlinePassed
    case .draining, .unloading, .unpinned: .draining
    case .pinDoesNotFit, .requestTooLarge: .doesNotFit
    }
  }

  /// When asking again may work.
  public var retryAfter: Duration? {
    switch code {
    case .tooManyRequests(_, _, let after), .tooManyBytes(_, _, _, let after), .displaced(_, let after),
      .tooMuchWork(_, _, _, let after), .waitedTooLong(_, _, let after),
      .deadlineUnreachable(_, _, _, let after):
      after
    case .deadlinePassed, .draining, .unloading, .unpinned, .pinDoesNotFit, .requestTooLarge: nil
    }
  }

  public var description: String {
    switch code {
    case .tooManyRequests(let model, let limit, _):
      "model '\(model)': \(limit) requests are waiting already; retry later, or raise --max-queue"
    case .tooManyBytes(let model, let bytes, let limit, _):
      "model '\(model)': the request's \(bytes) bytes do not fit the queue's limit of \(limit) bytes now; retry later, "
        + "or raise --max-queue-bytes"
    case .displaced(let model, _):
      "model '\(model)': the queue is full, and most of what waits in it is this client's: this request gave way to "
        + "another client's; ask again later, or raise --max-queue"
    case .requestTooLarge(let model, let bytes, let limit):
      "model '\(model)': the request's \(bytes) bytes exceed the queue's limit of \(limit) bytes; raise --max-queue-bytes"
    case .tooMuchWork(let model, let expected, let limit, _):
      "model '\(model)': the waiting requests will take \(expected), longer than the maximum delay of \(limit); retry "
        + "later, or raise --max-delay"
    case .waitedTooLong(let model, let limit, _):
      "model '\(model)': the request waited for the maximum delay of \(limit), because others ran longer than expected; retry "
        + "later, or raise --max-delay"
    case .deadlineUnreachable(let model, let expected, let left, _):
      "model '\(model)': an answer is expected in \(expected), but the request allows \(left) more "
        + "('timeout' counts microseconds)"
    case .deadlinePassed(let model, let waited):
      "model '\(model)': the request's deadline passed while it waited (\(waited))"
    case .draining(let model):
      "model '\(model)': the server is shutting down and accepts no more requests"
    case .unloading(let model):
      "model '\(model)' is being unloaded and accepts no more requests"
    case .unpinned(let model):
      "model '\(model)' was not pinned: it was unpinned or unloaded while its weights were loading"
    case .pinDoesNotFit(let model, let bytes, let pinned, let largest, let budget):
      "model '\(model)' cannot be pinned: its \(bytes) bytes, \(pinned) bytes already pinned and the \(largest) bytes that the "
        + "largest other model needs to run exceed the budget of \(budget)"
    }
  }
}
