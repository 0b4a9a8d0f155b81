import InferenceProtocol
import Scheduler

extension InferRequest {
  /// Bytes of inputs that are copied before it runs: shared memory, and strings.
  var convertedInputBytes: Int {
    inputs.reduce(0) { sum, input in
      switch input.contents {
      case .tensor: sum
      case .shared(let range): sum + min(range.byteCount, .max - sum)
      case .strings(let strings):
        sum + min(strings.reduce(0) { $0 + 16 + $1.count }, .max - sum)
      }
    }
  }

  /// Bytes of outputs that are classified, stacked, strings, or copied to shared memory.
  func convertedBytes(of answer: ScheduledAnswer) -> Int {
    answer.outputs.reduce(0) { sum, found in
      let wanted = outputs.first { $0.name == found.name }
      guard wanted != nil || outputs.isEmpty else { return sum }
      let type = found.tensor.elementType
      guard type == .string || type == .sequence || wanted?.classCount != nil || wanted?.shared != nil else {
        return sum
      }
      return sum + min(found.tensor.memoryBytes, .max - sum)
    }
  }
}
