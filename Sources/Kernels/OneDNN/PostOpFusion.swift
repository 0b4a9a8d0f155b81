import CDNNL
import Device
import ModelGraph
import Tensors

/// A post-op that oneDNN applies inside of a primitive.
enum FusedPostOp {
  case eltwise(EltwiseFunction)
  /// With the operand of the request's that index, seen as the view.
  case binary(dnnl_alg_kind_t, PostOpOperand)
  /// The operand is added: it lies in the result's memory when the primitive starts. The library has this for every
  /// convolution, and binary additions of a whole tensor for few.
  case sum(PostOpOperand)
}

extension FusedPostOp {
  /// As ``EltwiseFunction/losesNaN``.
  var losesNaN: Bool { if case .eltwise(let function) = self { function.losesNaN } else { false } }
}

/// The operand of a fused post-op.
struct PostOpOperand {
  var index: Int
  var view: TensorView
  /// True when it has as many elements as the result, whose layout it then shares.
  var isFull: Bool
}

/// The longest prefix of a request's post-ops that oneDNN can apply inside of a primitive.
struct PostOpFusion {
  private(set) var postOps: [FusedPostOp] = []
  /// The number of the request's post-ops that are fused.
  private(set) var count = 0

  /// - Parameters:
  ///   - sums: true when an operand of the result's shape may be added first, through the result's memory.
  ///   - result: the result's axes as the primitive sees them.
  ///   - reshape: how an operand that broadcasts to the result is seen along them; `nil` when it cannot be.
  init(
    _ request: KernelRequest, sums: Bool = false, result: [Int],
    reshape: (Shape) -> TensorView?
  ) {
    for postOp in request.postOps {
      // Kernels of blocked images take a sum in front of all else alone, and elsewhere a binary addition.
      if sums, postOps.isEmpty, let operand = PostOpFusion.sum(postOp, in: request) {
        postOps.append(.sum(operand))
        count += 1
        continue
      }
      guard let fused = PostOpFusion.fuse(postOp, in: request, result, reshape) else { return }
      let losesNaN = fused.contains { $0.losesNaN }
      // The addend of a sum is overwritten by the time a lost NaN is noticed.
      if losesNaN, fused.count > 1 || sum != nil { return }
      postOps += fused
      count += 1
      if losesNaN { return }
    }
  }

  /// True when the last of the request's post-ops makes a number of what is none: nothing is fused behind it.
  var losesNaN: Bool { count > 0 && postOps.last?.losesNaN ?? false }

  /// True when the library's plain loops make a number of NaN in one of the post-ops, and its compiled code does not.
  var losesNaNInPlainLoops: Bool {
    postOps.contains { postOp in
      if case .eltwise(let function) = postOp { function.losesNaNInPlainLoops } else { false }
    }
  }

  init() {}

  /// Puts functions in front of what is there.
  mutating func prepend(_ functions: [EltwiseFunction]) {
    postOps = functions.map { .eltwise($0) } + postOps
  }

  /// Puts a post-op in front that the request does not speak of.
  mutating func prepend(_ postOp: FusedPostOp) { postOps.insert(postOp, at: 0) }

  /// The operand that is added through the result's memory.
  var sum: PostOpOperand? {
    for case .sum(let operand) in postOps { return operand }
    return nil
  }

  private static func sum(_ postOp: PostOpRequest, in request: KernelRequest) -> PostOpOperand? {
    guard case .binary(.add, let index) = postOp, let operand = request.optionalOperand(index),
      case .activation = operand.source, operand.elementType == .float32,
      let result = request.optionalResult(0),
      operand.shape == result.shape
    else { return nil }
    return PostOpOperand(index: index, view: TensorView(operand.shape), isFull: true)
  }

  private static func fuse(
    _ postOp: PostOpRequest, in request: KernelRequest, _ result: [Int], _ reshape: (Shape) -> TensorView?
  ) -> [FusedPostOp]? {
    switch postOp {
    case .unary(let function):
      return EltwiseFunction.chain(function)?.map { .eltwise($0) }
    case .binary(let function, let index):
      guard let operand = request.optionalOperand(index), operand.elementType == .float32 else { return nil }
      if let number = operand.number, let chain = EltwiseFunction.chain(function, number) {
        return chain.map { .eltwise($0) }
      }
      guard let algorithm = function.algorithm, let view = reshape(operand.shape),
        view.dims.count == result.count, zip(view.dims, result).allSatisfy({ $0 == 1 || $0 == $1 })
      else { return nil }
      return [
        .binary(algorithm, PostOpOperand(index: index, view: view, isFull: view.dims == result))
      ]
    }
  }

  /// The arguments under which the primitive is given the operands.
  var arguments: [(argument: Int32, operand: PostOpOperand)] {
    postOps.enumerated().compactMap { position, postOp in
      guard case .binary(_, let operand) = postOp else { return nil }
      return (fi_arg_post_op(Int32(position), DNNL_ARG_SRC_1), operand)
    }
  }
}

extension Operand {
  /// The one number that the operand holds when its elements are known and there is only one, or all are equal.
  var number: Float? {
    guard let floats = immediate?.floats, let first = floats.first,
      floats.allSatisfy({ $0.bitPattern == first.bitPattern })
    else { return nil }
    return first
  }
}
