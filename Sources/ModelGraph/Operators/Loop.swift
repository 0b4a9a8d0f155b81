import Tensors

/// ONNX `Loop`: the largest number of rounds, the condition (both may be left out), the carried values, then what the body
/// captures. Body inputs: the number of the round, the condition, carried values, captures; its outputs: the condition,
/// carried values, and values that are collected. Results: the carried values after the last round, and the collected
/// values, one behind the other along a new first axis.
package struct Loop: LoopingOperator {
  package static let name = "loop"
  package static let signature = Signature(
    .optional(.shape("rounds")), .optional(.shape("condition")), isVariadic: true, results: 0...Int.max)
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package var body: Graph
  /// The number of carried values.
  package var carried: Int

  package var firstCapture: Int { 2 + carried }
  package var firstCollected: Int { 1 + carried }

  package static var coding: Coding<Self> { .nested(Self.init, \.body, \.carried) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("body", "'\(body.name)'"), PrintedAttribute("carried", carried)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard carried >= 0, carried <= body.inputs.count else {
      throw node.failure("it carries \(carried) values")
    }
    for index in 0..<2 where node.type(index)?.shape.map({ $0.elementCount != 1 }) ?? false {
      throw node.failure("operand \(index) is not one number")
    }
    let initial = (2..<firstCapture).map { node[$0] }
    let results = try node.bodyResults(
      of: self, [Fact(.int64, []), Fact(.bool, [])] + initial, carried: 2..<firstCapture, firstResult: 1)
    let final = zip(initial, results[1..<firstCollected]).map { before, after in
      before.flatMap { before in after.map { Fact(before.joined(with: $0).type) } }
    }
    for fact in results[firstCollected...] where fact?.type.elementType == .sequence {
      throw node.failure("it collects sequences")
    }
    return final
      + results[firstCollected...].map { fact in
        fact.map { Fact($0.type.elementType, $0.type.dimensions.map { [.unknown] + $0 }) }
      }
  }
}

extension Op {
  package static func loop(body: Graph, carried: Int) -> Op { Op(Loop(body: body, carried: carried)) }
}
