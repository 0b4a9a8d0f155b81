import ModelGraph
import Tensors

extension Pass {
  /// Computes nodes whose operands are all known, with the evaluator; what only changes a shape needs none.
  ///
  /// Results of more than ``FoldingLimits`` allow are left to be computed: a constant is loaded again at every swap-in.
  public static let constantFolding = Pass(name: "constant folding", kind: .folding) { graph, evaluator in
    try graph.foldConstants(evaluator)
  }
}

/// Size limits for a constant that replaces its computation.
enum FoldingLimits {
  /// Bytes of one result.
  static let result = 16 << 20
  /// Bytes of one result that is larger than all of its operands together (`Expand`, `Tile`, `ConstantOfShape`…).
  static let expansion = 256 << 10
  /// Bytes by which all results of one run may be larger than their operands.
  static let growth = 64 << 20
  /// The same of one specialisation: a request pays for it, and the plan keeps it.
  static let specialisedGrowth = 8 << 20
}

extension Graph {
  /// Folds constants and returns how many nodes went away.
  mutating func foldConstants(_ evaluator: (any ConstantEvaluator)?) throws -> Int {
    var growth = FoldingLimits.growth
    return try foldConstants(evaluator, growth: &growth)
  }

  /// - Parameter growth: bytes by which results may be larger than their operands; those of this call are taken off.
  mutating func foldConstants(_ evaluator: (any ConstantEvaluator)?, growth: inout Int) throws -> Int {
    let name = name
    return try Rewriter.rewrite(&self) { rewriter, index in
      let node = rewriter[index]
      let ids = node.operands
      let operands = ids.map { rewriter.tensor($0) }
      guard zip(ids, operands).allSatisfy({ $0 == nil || $1 != nil }),
        case let results = node.outputs.compactMap({ $0 }),
        results.contains(where: rewriter.isRead), !results.contains(where: rewriter.isGraphOutput)
      else { return false }
      let types = node.outputs.map { rewriter.type($0) }
      let given = operands.reduce(0) { $0 + ($1?.byteCount ?? 0) }
      guard
        let tensors = try node.reshaped(operands, to: types)
          ?? node.evaluated(operands, to: types, given: given, by: evaluator, in: name),
        tensors.count == node.outputs.count
      else { return false }
      let made = zip(node.outputs, tensors).compactMap { id, tensor in
        id.flatMap { id in tensor.map { (id, $0) } }
      }
      let bytes = made.reduce(0) { $0 + $1.1.byteCount }
      guard made.count == results.count, max(bytes - given, 0) <= growth else { return false }
      growth -= max(bytes - given, 0)
      rewriter.define(index, as: made)
      return true
    }
  }
}

extension Node {
  /// The result where the op only gives its first operand another shape, sharing its elements.
  fileprivate func reshaped(_ operands: [Tensor?], to types: [ValueType?]) throws -> [Tensor?]? {
    guard op.isView, postOps.isEmpty, let tensor = operands.first ?? nil else { return nil }
    if op.is(Identity.self) { return [tensor] }
    guard let shape = types.first??.shape, shape.elementCount == tensor.shape.elementCount else { return nil }
    return [try tensor.reshaped(to: shape)]
  }

  /// The results that the evaluator computes, when they may be as large as they are.
  fileprivate func evaluated(
    _ operands: [Tensor?], to types: [ValueType?], given: Int, by evaluator: (any ConstantEvaluator)?,
    in graph: String
  ) throws -> [Tensor?]? {
    guard let evaluator else { return nil }
    // Weights of a few bits stay what they are.
    if op.is(Conditional.self) || op.is(BlockDequantize.self) { return nil }
    // A constant is bytes, which no sequence is.
    if types.contains(where: { $0?.elementType == .sequence }) { return nil }
    var bytes = 0
    for (id, type) in zip(outputs, types) where id != nil {
      // A result of unknown size is one that depends on values (NonZero): no larger than its operands allow.
      guard let type, let shape = type.shape else {
        guard Swift.type(of: op.base).resultSizesDependOnData else { return nil }
        continue
      }
      guard let size = type.elementType.byteCount(of: shape.elementCount), size <= FoldingLimits.result else {
        return nil
      }
      bytes += size
    }
    guard bytes <= FoldingLimits.result, bytes <= max(given, FoldingLimits.expansion) else { return nil }
    return try evaluator.evaluate(self, operands: operands, resultTypes: types, in: graph)
  }
}
