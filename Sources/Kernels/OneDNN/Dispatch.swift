import Device
import ModelGraph

extension OneDNNEngine {
  /// The primitive for the request's op, layouts still open; `nil` when oneDNN has none.
  func draft(_ request: KernelRequest) throws -> PrimitiveDraft? {
    switch request.op {
    case .convolution(let op): try convolution(request, op)
    case .deconvolution(let op): try deconvolution(request, op)
    case .transpose(let permutation): try transpose(request, permutation)
    case .matrixMultiply(let op): try matrixMultiply(request, op)
    case .pool(let op): op.kind == .maximum ? nil : try pool(request, op)
    case .unary(let function): try unary(request, function)
    case .binary(let function): try binary(request, function)
    case .softmax(let axis): try softmax(request, axis: axis, logarithmic: false)
    case .logSoftmax(let axis): try softmax(request, axis: axis, logarithmic: true)
    case .concat(let axis): try concat(request, axis: axis)
    case .batchNormalization(let epsilon): try batchNormalization(request, epsilon: epsilon)
    case .layerNormalization(let axis, let epsilon):
      try layerNormalization(request, axis: axis, epsilon: epsilon)
    case .localResponseNormalization(let op): try localResponse(request, op)
    case .reduce(let op, _, _): try reduction(request, op)
    case .resize(let op): try resampling(request, op)
    case .lstm(let op), .gru(let op): try recurrentDraft(request, op)
    default: nil
    }
  }
}
