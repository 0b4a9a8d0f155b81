import Tensors

/// ONNX `LSTM`. Results: y, y_h, y_c.
package struct LSTM: Operator {
  package static let name = "lstm"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), .optional(.data("initial_c")), .optional(.data("p")), results: 1...3)
  package static let family = OperatorFamily.linear
  package static let defaultActivations = [
    RecurrentActivation(.sigmoid), RecurrentActivation(.tanh), RecurrentActivation(.tanh),
  ]

  package var recurrent: Recurrent

  package static var coding: Coding<Self> { Coding(Self.init, \.recurrent) }

  package var attributes: [PrintedAttribute] { recurrent.printedAttributes }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.recurrent(recurrent, gates: 4, activations: Self.defaultActivations.count)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { recurrent.multiplyAdds(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    var node = SmallestNode(LSTM(recurrent: recurrent.smallest), operands: operands, results: results)
      .with(
        .sizes([1, 1, 1]), .sizes([1, 4, 1]), .sizes([1, 4, 1]), .sizes([1, 8]), .sizes([1]),
        .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 3]),
        results: [1, 1, 1])
    if !node.results.isEmpty { node.results[0] = [1, 1, 1, 1] }
    return node
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? { Recurrent.nominalShape(weights: weights) }
}

extension Op {
  package static func lstm(_ recurrent: Recurrent) -> Op { Op(LSTM(recurrent: recurrent)) }
}
