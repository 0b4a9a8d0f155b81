import ModelGraph
import Tensors

/// Computes known nodes for as long as there is time for the plan.
struct TimedEvaluator: ConstantEvaluator {
  let evaluator: any ConstantEvaluator
  let time: PlanningTime
  /// The model's name, for messages.
  let model: String

  func evaluate(
    _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
  ) throws -> [Tensor?]? {
    try time.check(node.name, of: model)
    return try evaluator.evaluate(node, operands: operands, resultTypes: resultTypes, in: graph)
  }
}
