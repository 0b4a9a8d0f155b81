import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// The op's own operand of that index; `nil` for one that is left out.
  func ownOperand(_ index: Int) -> Operand? { index < ownOperandCount ? optionalOperand(index) : nil }

  /// True when the op's own operands that are there, and all results, are `float32` and have elements.
  var isAllFloat: Bool {
    let operandsFit = ownOperands.allSatisfy { operand in
      operand.map { $0.elementType == .float32 && $0.shape.elementCount > 0 } ?? true
    }
    return operandsFit
      && results.allSatisfy { $0.map { $0.elementType == .float32 && $0.shape.elementCount > 0 } ?? true }
  }

  /// The op with its first post-ops alone: the operands of the others are left out, and all others keep their places.
  func keeping(postOps count: Int) -> KernelRequest {
    var copy = self
    copy.postOps = Array(postOps.prefix(count))
    let kept = Set(copy.postOps.compactMap(\.operand))
    for index in operands.indices.dropFirst(ownOperandCount) where !kept.contains(index) {
      copy.operands[index] = nil
    }
    return copy
  }

  /// The same with the op's last operand, a bias at `index`, as the operand of a first post-op that adds it.
  func addingBias(at index: Int) -> KernelRequest {
    var copy = self
    copy.ownOperandCount = index
    copy.postOps.insert(.binary(.add, operand: index), at: 0)
    return copy
  }
}

extension Operand {
  /// True when its layout is final.
  var isWeight: Bool { if case .weight = source { true } else { false } }
}
