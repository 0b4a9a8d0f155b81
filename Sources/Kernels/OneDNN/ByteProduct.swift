import CDNNL
import Device
import ModelGraph
import Tensors

/// A product of 8-bit integers in a form that oneDNN computes exactly: of `uint8` by `int8`, without zero points of the operands.
///
/// Instructions for bytes that add pairs of products in 16 bits saturate, and oneDNN uses them on processors without VNNI. There
/// the portable kernels multiply in 16 bits. `int8` by `int8` packs weights with sums of them that a ``StoredLayout`` cannot hold,
/// and weights of `uint8` have no implementation: a pass turns both into the form that this takes.
struct ByteProduct {
  /// The data type of the result.
  let resultType: dnnl_data_type_t
  private let request: KernelRequest
  private let result: ProductResult
  /// The zero point of the result, or its step.
  private let zero: Int
  private let step: Float

  init?(_ request: KernelRequest, _ result: ProductResult) {
    guard Self.isExact, let a = request.ownOperand(0), let b = request.ownOperand(1),
      a.elementType == .uint8, b.elementType == .int8, a.shape.elementCount > 0, b.shape.elementCount > 0,
      let y = request.optionalResult(0), y.shape.elementCount > 0, y.elementType == result.elementType,
      let type = y.elementType.dataType,
      (2..<4).allSatisfy({ request.ownOperand($0)?.isZero ?? true }),
      // With a bias the library rounds sums to floats.
      result != .sums || request.ownOperand(4) == nil
    else { return nil }
    if case .rounded = result {
      guard let number = request.ownOperand(6)?.number else { return nil }
      (zero, step) = (0, number)
    } else if let operand = request.ownOperand(6) {
      guard let number = operand.immediate?.integers?.first else { return nil }
      (zero, step) = (number, 1)
    } else {
      (zero, step) = (0, 1)
    }
    resultType = type
    self.request = request
    self.result = result
  }

  /// True when this processor multiplies bytes and adds four products in 32 bits.
  private static var isExact: Bool {
    let instructions = dnnl_get_effective_cpu_isa().rawValue
    return instructions & dnnl_cpu_isa_avx512_core_vnni.rawValue == dnnl_cpu_isa_avx512_core_vnni.rawValue
  }

  /// The scale, the rounding to levels, and the post-ops of the request that are fused.
  /// - Parameters:
  ///   - dims: the result's axes as the primitive sees them.
  ///   - channelAxis: the axis of the scale.
  ///   - reshape: how an operand that broadcasts to the result is seen along them.
  /// - Returns: `nil` if the scale does not fit.
  func fusion(_ dims: [Int], channelAxis: Int, reshape: (Shape) -> TensorView?) -> PostOpFusion? {
    var fusion = PostOpFusion()
    switch result {
    case .sums: return fusion
    case .floats: fusion = PostOpFusion(request, result: dims, reshape: reshape)
    case .rounded(let minimum, let maximum):
      fusion = PostOpFusion(request, result: dims, reshape: reshape)
      fusion.prepend([
        EltwiseFunction(algorithm: dnnl_eltwise_clip, alpha: Float(minimum), beta: Float(maximum)),
        EltwiseFunction(algorithm: dnnl_eltwise_round), .linear(step, 0),
      ])
    case .levels(let range):
      // The conversion to bytes rounds and saturates; a zero point is added behind the rounding.
      if zero != 0 {
        fusion.prepend([EltwiseFunction(algorithm: dnnl_eltwise_round), .linear(1, Float(zero))])
      }
      if !range.isWhole {
        fusion.prepend([
          EltwiseFunction(
            algorithm: dnnl_eltwise_clip, alpha: Float(range.minimum - zero),
            beta: Float(range.maximum - zero))
        ])
      }
    }
    guard let scale = request.ownOperand(5), let view = channels(scale, of: dims, axis: channelAxis) else {
      return nil
    }
    if let number = scale.number {
      fusion.prepend([.linear(number, 0)])
    } else {
      fusion.prepend(
        .binary(dnnl_binary_mul, PostOpOperand(index: 5, view: view, isFull: view.dims == dims)))
    }
    return fusion
  }

  /// An operand of one number, or of one for each channel, along the axes of the result; `nil` for others.
  func channels(_ operand: Operand, of dims: [Int], axis: Int) -> TensorView? {
    let count = operand.shape.elementCount
    guard count == 1 || count == dims[axis] else { return nil }
    var own = [Int](repeating: 1, count: dims.count)
    own[axis] = count
    return TensorView(own)
  }
}

extension IntegerConvolution: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.drafted(request) ?? engine.portableProduct(request)
  }
}

extension IntegerMatrixMultiply: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.drafted(request) ?? engine.portableProduct(request)
  }
}

extension OneDNNEngine {
  /// The portable product with the library's post-ops behind it, on processors without VNNI; `nil` without post-ops.
  fileprivate func portableProduct(_ request: KernelRequest) throws -> (any Kernel)? {
    guard !request.postOps.isEmpty, request.optionalResult(0)?.elementType == .float32,
      request.operands.allSatisfy({ $0.map { !$0.isWeight || $0.layout == .plain } ?? true }),
      let product = try PortableKernel.make(request.keeping(postOps: 0))
    else { return nil }
    return try chain(product, of: request)
  }
}

extension Operand {
  /// True for integers that are known to be all 0.
  fileprivate var isZero: Bool { immediate?.integers?.allSatisfy { $0 == 0 } ?? false }
}

extension KernelRequest {
  /// A product of integers whose bias is added to the sums by a kernel of its own, in integers.
  var withBiasBehindSums: KernelRequest? {
    let isConvolution: Bool
    if let convolution = op.as(IntegerConvolution.self), convolution.result == .sums {
      isConvolution = true
    } else if let multiply = op.as(IntegerMatrixMultiply.self), multiply.result == .sums {
      isConvolution = false
    } else {
      return nil
    }
    guard postOps.isEmpty, let bias = ownOperand(4), let result = optionalResult(0) else { return nil }
    var form = addingBias(at: 4)
    if isConvolution {
      let dims = [bias.shape.elementCount] + [Int](repeating: 1, count: max(result.shape.rank - 2, 0))
      guard let shape = try? Shape(checking: dims) else { return nil }
      if let tensor = bias.immediate {
        guard let column = try? tensor.reshaped(to: shape) else { return nil }
        form.operands[4] = Operand(immediate: column)
      } else {
        form.operands[4]?.shape = shape
      }
    }
    return form
  }
}
