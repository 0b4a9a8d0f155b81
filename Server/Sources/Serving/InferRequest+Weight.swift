import InferenceProtocol
import Scheduler

extension InferRequest {
  /// Bytes of shared memory that are copied before it runs.
  var sharedInputBytes: Int {
    inputs.reduce(0) { sum, input in
      guard case .shared(let range) = input.contents else { return sum }
      return sum + min(range.byteCount, .max - sum)
    }
  }

  /// Bytes of outputs that are classified, or copied to shared memory.
  func convertedBytes(of answer: ScheduledAnswer) -> Int {
    outputs.reduce(0) { sum, wanted in
      guard wanted.classCount != nil || wanted.shared != nil,
        let found = answer.outputs.first(where: { $0.name == wanted.name })
      else { return sum }
      return sum + found.tensor.byteCount
    }
  }
}
