/// An operator that computes a recurrence over time: ONNX `RNN`, `LSTM` and `GRU`. Operands: x, w, r, b, sequence_lens and
/// the initial states; results: y and the last states.
package protocol RecurrentOperator: Operator {
  var recurrent: Recurrent { get }
  init(recurrent: Recurrent)
  /// The number of gates, for each of which the weights have rows.
  static var gates: Int { get }
  /// The activations of a direction, where the file names none.
  static var defaultActivations: [RecurrentActivation] { get }
}

extension RecurrentOperator {
  package static var family: OperatorFamily { .linear }
  package var reals: RealElements { .computed }

  package static var coding: Coding<Self> { Coding({ Self(recurrent: $0) }, \.recurrent) }

  package var attributes: [PrintedAttribute] { recurrent.printedAttributes }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.recurrent(recurrent, gates: Self.gates, activations: Self.defaultActivations.count)
  }

  /// The products of every step's input and state with the weights.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) / sizes.size(sizes.rank(0) - 1, of: 0) * (sizes.elements(1) + sizes.elements(2))
  }

  package func turns(_ sizes: NodeSizes) -> Double { recurrent.turns(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let gates = Self.gates
    var node = SmallestNode(Self(recurrent: recurrent.smallest), operands: operands, results: results)
      .with(
        .sizes([1, 1, 1]), .sizes([1, gates, 1]), .sizes([1, gates, 1]), .sizes([1, 2 * gates]), .sizes([1]),
        .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 3]), results: [1, 1, 1])
    if !node.results.isEmpty { node.results[0] = [1, 1, 1, 1] }
    return node
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    weights.count == 3 ? [16, 1, weights[2]] : nil
  }
}
