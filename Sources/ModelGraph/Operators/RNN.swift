import Tensors

/// ONNX `RNN`. Results: y, y_h.
package struct RNN: Operator {
  package static let name = "rnn"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), results: 1...2)
  package static let family = OperatorFamily.linear
  package static let defaultActivations = [RecurrentActivation(.tanh)]

  package var recurrent: Recurrent

  package static var coding: Coding<Self> { Coding(Self.init, \.recurrent) }

  package var attributes: [PrintedAttribute] { recurrent.printedAttributes }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.recurrent(recurrent, gates: 1, activations: Self.defaultActivations.count)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { recurrent.multiplyAdds(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    var node = SmallestNode(RNN(recurrent: recurrent.smallest), operands: operands, results: results)
      .with(
        .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 2]), .sizes([1]),
        .sizes([1, 1, 1]),
        results: [1, 1, 1])
    if !node.results.isEmpty { node.results[0] = [1, 1, 1, 1] }
    return node
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? { Recurrent.nominalShape(weights: weights) }
}

extension Op {
  package static func rnn(_ recurrent: Recurrent) -> Op { Op(RNN(recurrent: recurrent)) }
}
