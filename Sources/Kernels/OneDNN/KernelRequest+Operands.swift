import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// The op's own operand of that index; `nil` where one of a post-op stands: those follow the op's own, of which the
  /// last may be left out.
  func ownOperand(_ index: Int) -> Operand? {
    postOps.contains { $0.operand == index } ? nil : optionalOperand(index)
  }

  /// The op's own operands.
  var ownOperands: [Operand?] {
    operands.indices.filter { index in !postOps.contains { $0.operand == index } }.map { operands[$0] }
  }

  /// True when the op's own operands that are there, and all results, are `float32` and have elements.
  var isAllFloat: Bool {
    let operandsFit = ownOperands.allSatisfy { operand in
      operand.map { $0.elementType == .float32 && $0.shape.elementCount > 0 } ?? true
    }
    return operandsFit
      && results.allSatisfy { $0.map { $0.elementType == .float32 && $0.shape.elementCount > 0 } ?? true }
  }

  func with(postOps: [PostOp]) -> KernelRequest {
    var copy = self
    copy.postOps = postOps
    return copy
  }

  /// The op with its first post-ops alone: without the others and their operands.
  func keeping(postOps count: Int) -> KernelRequest {
    var copy = with(postOps: Array(postOps.prefix(count)))
    let kept = Set(copy.postOps.compactMap(\.operand))
    for index in postOps.compactMap(\.operand) where operands.indices.contains(index) && !kept.contains(index)
    {
      copy.operands[index] = nil
    }
    return copy
  }
}

extension PostOp {
  /// The index of the request's operand that it takes.
  var operand: Int? { if case .binary(_, let operand) = self { operand } else { nil } }
}

extension Operand {
  /// True when its layout is final.
  var isWeight: Bool { if case .weight = source { true } else { false } }
}
