import Device
import Foundation
import InferenceProtocol
import Scheduler

/// Statistics of each model and version since the server started, as Triton counts them.
public final class StatisticsBook: Sendable {
  private struct Key: Hashable, Sendable {
    var model: String
    var version: Int
  }

  private struct Record: Sendable {
    var message: ModelStatisticsMessage
    /// Executions by batch size, in requests.
    var batches: [Int: InferBatchStatistics] = [:]
    /// Requests of a batch size of which some have answered and their execution is not complete.
    var partial: [Int: Int] = [:]
  }

  private let records = Locked<[Key: Record]>([:])

  /// Notes an answered request.
  /// - Parameters:
  ///   - inputNanoseconds: from its arrival to its admission: decoding, opening, planning.
  ///   - outputNanoseconds: from the run's end to the response.
  public func succeeded(
    _ model: String, _ version: Int, timing: RequestTiming, inputNanoseconds: UInt64,
    outputNanoseconds: UInt64
  ) {
    let total =
      inputNanoseconds &+ outputNanoseconds
      &+ (timing.answered > timing.admitted ? timing.answered - timing.admitted : 0)
    let compute = timing.computeNanoseconds &+ timing.swapInNanoseconds
    change(model, version) { record in
      record.message.lastInference = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
      record.message.inferenceCount &+= 1
      record.message.inferenceStats.success.add(total)
      record.message.inferenceStats.queue.add(timing.queueNanoseconds)
      record.message.inferenceStats.computeInput.add(inputNanoseconds)
      record.message.inferenceStats.computeInfer.add(compute)
      record.message.inferenceStats.computeOutput.add(outputNanoseconds)
      let size = max(1, timing.batchSize)
      let seen = (record.partial[size] ?? 0) + 1
      record.partial[size] = seen < size ? seen : 0
      guard seen >= size else { return }
      record.message.executionCount &+= 1
      var batch = record.batches[size] ?? InferBatchStatistics(batchSize: UInt64(size))
      batch.computeInput.add(inputNanoseconds)
      batch.computeInfer.add(compute)
      batch.computeOutput.add(outputNanoseconds)
      record.batches[size] = batch
    }
  }

  /// Notes a request that got no answer.
  /// - Parameter nanoseconds: since its arrival.
  public func failed(_ model: String, _ version: Int, nanoseconds: UInt64) {
    change(model, version) { $0.message.inferenceStats.fail.add(nanoseconds) }
  }

  private func change(_ model: String, _ version: Int, _ body: (inout Record) -> Void) {
    records.withLock { records in
      body(
        &records[
          Key(model: model, version: version),
          default: Record(message: ModelStatisticsMessage(name: model, version: "\(version)"))])
    }
  }

  /// Returns the statistics of a model's versions, or of all models.
  public func messages(model: String? = nil, version: Int? = nil) -> [ModelStatisticsMessage] {
    records.withLock { records in
      records.filter {
        (model == nil || $0.key.model == model) && (version == nil || $0.key.version == version)
      }
      .sorted { ($0.key.model, $0.key.version) < ($1.key.model, $1.key.version) }
      .map { _, record in
        var message = record.message
        message.batchStats = record.batches.sorted { $0.key < $1.key }.map(\.value)
        return message
      }
    }
  }
}
