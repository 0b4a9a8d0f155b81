import InferenceProtocol
import Logging
import Scheduler
import Tensors

extension InferenceService {
  /// One line for an answered inference, at the level `debug`.
  func logAnswer(_ request: InferRequest, version: Int, timing: RequestTiming, total: UInt64) {
    log.debug(
      "inference",
      metadata: InferenceService.fields(request, version: version).merging(
        [
          "status": "ok", "queue_us": microseconds(timing.queueNanoseconds),
          "swap_in_us": microseconds(timing.swapInNanoseconds),
          "compute_us": microseconds(timing.computeNanoseconds), "total_us": microseconds(total),
          "loaded_bytes": .stringConvertible(timing.bytesLoaded),
          "batch_size": .stringConvertible(timing.batchSize),
          "program_width": .stringConvertible(timing.programWidth),
        ], uniquingKeysWith: { $1 }))
  }

  /// One line for an inference that failed, at the level `debug`; at `warning` where the fault is the server's.
  func logFailure(_ request: InferRequest, _ error: ServiceError, total: UInt64) {
    log.log(
      level: [.failed, .runFailed].contains(error.kind) ? .warning : .debug, "inference",
      metadata: InferenceService.fields(request, version: request.version).merging(
        [
          "status": .string(error.kind.rawValue), "error": .string(error.description),
          "total_us": microseconds(total),
        ], uniquingKeysWith: { $1 }))
  }

  private func microseconds(_ nanoseconds: UInt64) -> Logger.MetadataValue {
    .stringConvertible(nanoseconds / 1000)
  }

  private static func fields(_ request: InferRequest, version: Int?) -> Logger.Metadata {
    var fields: Logger.Metadata = ["model": .string(shown(request.model))]
    if let version { fields["version"] = .stringConvertible(version) }
    if let id = RequestIdentity.current { fields["request_id"] = .string(id) }
    if !request.id.isEmpty { fields["client_id"] = .string(shown(request.id)) }
    if !request.tenant.isEmpty { fields["tenant"] = .string(shown(request.tenant)) }
    return fields
  }
}
