import Device
import Executor
import InferenceProtocol
import Linker
import ModelGraph
import ModelStore
import Residency
import Scheduler
import Tensors

extension ServiceError {
  /// Bytes of a request or an answer do not fit beside those that the server holds.
  public init(_ error: AccountFull) {
    self.init(
      error.isHopeless ? .tooLarge : .unavailable, error.description,
      retryAfter: error.isHopeless ? nil : .seconds(1))
  }

  /// Makes the error that a request for `model` receives for `error`.
  init(_ error: any Error, model: String) {
    switch error {
    case let error as ServiceError: self = error
    case let error as AccountFull: self.init(error)
    case let error as SchedulerError:
      let kind: Kind =
        switch error.kind {
        case .queueFull: .tooManyRequests
        case .deadlineUnreachable, .deadlinePassed: .deadlineExceeded
        case .draining: .unavailable
        case .doesNotFit: .tooLarge
        }
      self.init(kind, error.description, retryAfter: error.retryAfter)
    case let error as PipelineError:
      if let underlying = error.underlying {
        let cause = ServiceError(underlying, model: model)
        self.init(cause.kind, error.description, retryAfter: cause.retryAfter)
      } else {
        self.init(error.isCallers ? .invalidRequest : .unavailable, error.description)
      }
    case is CancellationError:
      self.init(.cancelled, "model '\(shown(model))': the request was cancelled")
    case let error as LinkError:
      self.init(
        error.isCallers ? .invalidRequest : error.isTooLarge ? .tooLarge : .unavailable, error.description,
        retryAfter: error.isTemporary ? .seconds(1) : nil)
    case let error as DeviceError where error.kind == .invalidData:
      self.init(.invalidRequest, error.description)
    case let error as TensorError: self.init(.invalidRequest, error.description)
    // Shapes that the model's operators cannot work on, found while planning for them.
    case let error as GraphError: self.init(.invalidRequest, "model '\(shown(model))': \(error)")
    case let error as StoreError:
      self.init(error.kind == .notFound ? .notFound : .unavailable, error.description)
    case let error as ResidencyError:
      self.init(.unavailable, "model '\(shown(model))': \(error)")
    default: self.init(.runFailed, "model '\(shown(model))': \(error)")
    }
  }
}
