import CWinograd
import Device
import ModelGraph
import Tensors

/// The post-ops that are applied to results before they leave the registers: an activation, and an addition in front of it
/// or behind it.
struct WinogradTail: Sendable {
  private(set) var raw = fi_winograd_tail()
  /// The operand that is added.
  private(set) var addend: Int?
  /// The number of the request's post-ops that these are.
  private(set) var count = 0

  init(_ request: KernelRequest) {
    for postOp in request.postOps {
      if addend == nil, let operand = WinogradTail.addend(postOp, in: request) {
        addend = operand
        raw.adds_last = raw.activation == FI_WINOGRAD_IDENTITY ? 0 : 1
      } else if raw.activation == FI_WINOGRAD_IDENTITY, raw.adds_last == 0,
        let activation = WinogradTail.activation(postOp)
      {
        raw.activation = activation
      } else {
        return
      }
      count += 1
    }
  }

  private static func activation(_ postOp: PostOpRequest) -> fi_winograd_activation? {
    switch postOp {
    case .unary(.relu): FI_WINOGRAD_RELU
    case .unary(.silu): FI_WINOGRAD_SILU
    default: nil
    }
  }

  /// The operand that `postOp` adds to every element; `nil` for others.
  private static func addend(_ postOp: PostOpRequest, in request: KernelRequest) -> Int? {
    guard case .binary(.add, let index) = postOp, let operand = request.optionalOperand(index),
      operand.immediate == nil, !operand.isWeight, operand.elementType == .float32,
      operand.shape == request.optionalResult(0)?.shape
    else { return nil }
    return index
  }
}
