import Device
import Executor
import Linker
import ModelGraph
import Tensors

/// True when a run has no answer because of the model, its file or the machine, and not because of the request.
func isFailure(_ result: Result<MemberAnswer, any Error>) -> Bool {
  guard case .failure(let error) = result else { return false }
  return switch error {
  case let error as LinkError: !error.isCallers && !error.isTooLarge
  case let error as DeviceError: error.kind != .invalidData
  case is TensorError, is GraphError: false
  default: true
  }
}
