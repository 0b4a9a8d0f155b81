import GRPCMessages
import InferenceProtocol

extension Inference_ModelStatistics {
  init(_ statistics: ModelStatisticsMessage) {
    self = .with {
      $0.name = statistics.name
      $0.version = statistics.version
      $0.lastInference = statistics.lastInference
      $0.inferenceCount = statistics.inferenceCount
      $0.executionCount = statistics.executionCount
      $0.inferenceStats = Inference_InferStatistics(statistics.inferenceStats)
      $0.batchStats = statistics.batchStats.map(Inference_InferBatchStatistics.init)
    }
  }
}

extension Inference_InferStatistics {
  fileprivate init(_ statistics: InferStatistics) {
    self = .with {
      $0.success = Inference_StatisticDuration(statistics.success)
      $0.fail = Inference_StatisticDuration(statistics.fail)
      $0.queue = Inference_StatisticDuration(statistics.queue)
      $0.computeInput = Inference_StatisticDuration(statistics.computeInput)
      $0.computeInfer = Inference_StatisticDuration(statistics.computeInfer)
      $0.computeOutput = Inference_StatisticDuration(statistics.computeOutput)
      $0.cacheHit = Inference_StatisticDuration(statistics.cacheHit)
      $0.cacheMiss = Inference_StatisticDuration(statistics.cacheMiss)
    }
  }
}

extension Inference_InferBatchStatistics {
  fileprivate init(_ statistics: InferBatchStatistics) {
    self = .with {
      $0.batchSize = statistics.batchSize
      $0.computeInput = Inference_StatisticDuration(statistics.computeInput)
      $0.computeInfer = Inference_StatisticDuration(statistics.computeInfer)
      $0.computeOutput = Inference_StatisticDuration(statistics.computeOutput)
    }
  }
}

extension Inference_StatisticDuration {
  fileprivate init(_ duration: StatisticDuration) {
    self = .with {
      $0.count = duration.count
      $0.ns = duration.ns
    }
  }
}
