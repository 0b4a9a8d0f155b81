import Device
import ModelGraph

extension OneDNNEngine {
  /// The primitive for the request's op, layouts still open; `nil` when oneDNN has none.
  func draft(_ request: KernelRequest) throws -> PrimitiveDraft? {
    switch request.op {
    case .convolution(let op): try convolution(request, op)
    case .deconvolution(let op): try deconvolution(request, op)
    case .matrixMultiply(let op): try matrixMultiply(request, op)
    case .pool(let op): try pool(request, op)
    case .unary(let function): try unary(request, function)
    case .binary(let function): try binary(request, function)
    case .softmax(let axis): try softmax(request, axis: axis, logarithmic: false)
    case .logSoftmax(let axis): try softmax(request, axis: axis, logarithmic: true)
    case .concat(let axis): try concat(request, axis: axis)
    default: nil
    }
  }
}
