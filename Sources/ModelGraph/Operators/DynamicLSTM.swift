import Tensors

/// An ``LSTM`` with `int8` weights, whose input and states are quantised as it runs: `DynamicQuantizeLSTM` of ONNX Runtime, with the
/// default activations, without peepholes, and with weights whose zero points are 0.
///
/// Input and weights are multiplied as integers. The input is quantised once, each state by itself. The scales of the weights
/// (`float32`) are one number for each direction, or one for each of its rows.
package struct DynamicLSTM: Operator {
  package static let name = "lstm.dynamic"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), .optional(.data("initial_c")), .optional(.data("w scale")),
    .optional(.data("r scale")), results: 1...3)
  package static let family = OperatorFamily.linear

  package var recurrent: Recurrent

  package init(recurrent: Recurrent) { self.recurrent = recurrent }

  package static var coding: Coding<Self> { Coding({ Self(recurrent: $0) }, \.recurrent) }

  package var attributes: [PrintedAttribute] { recurrent.printedAttributes }

  /// True if the recurrence has the form that this computes.
  package static func supports(_ recurrent: Recurrent) -> Bool {
    recurrent.activations.isEmpty && recurrent.clip == nil && !recurrent.couplesForgetGate
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.dynamicRecurrence(recurrent)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) / sizes.size(sizes.rank(0) - 1, of: 0) * (sizes.elements(1) + sizes.elements(2))
  }

  package func turns(_ sizes: NodeSizes) -> Double { recurrent.turns(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    var node = SmallestNode(
      DynamicLSTM(recurrent: recurrent.smallest), operands: operands, results: results
    ).with(
      .sizes([1, 1, 1]), .sizes([1, 4, 1]), .sizes([1, 4, 1]), .sizes([1, 8]), .sizes([1]),
      .sizes([1, 1, 1]),
      .sizes([1, 1, 1]), .sizes([1]), .sizes([1]), results: [1, 1, 1])
    if !node.results.isEmpty { node.results[0] = [1, 1, 1, 1] }
    return node
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    weights.count == 3 ? [16, 1, weights[2]] : nil
  }
}

extension Op {
  package static func dynamicLSTM(_ recurrent: Recurrent) -> Op { Op(DynamicLSTM(recurrent: recurrent)) }
}

extension NodeTyping {
  fileprivate func dynamicRecurrence(_ recurrent: Recurrent) throws(GraphError) -> [Fact?] {
    guard DynamicLSTM.supports(recurrent), recurrent.hiddenSize > 0 else {
      throw failure("this form of it is not computed with integers")
    }
    guard has(7), has(8) else { throw failure("its weights need scales") }
    for (index, wanted) in [(0, ElementType.float32), (1, .int8), (2, .int8), (7, .float32), (8, .float32)] {
      guard let type = elementType(index), type != wanted else { continue }
      throw failure("operand \(index) is \(type), not \(wanted)")
    }
    let directions = Dimension.known(recurrent.directions)
    let hidden = Dimension.known(recurrent.hiddenSize)
    let rows = try sized(hidden.times(.known(LSTM.gates)))
    var (time, batch, features) = (Dimension.unknown, Dimension.unknown, Dimension.unknown)
    if let x = dimensions(0) {
      guard x.count == 3 else { throw failure("its input has \(x.count) axes, not time, batch and features") }
      (time, batch, features) = recurrent.batchFirst ? (x[1], x[0], x[2]) : (x[0], x[1], x[2])
    }
    try checkDimensions(1, [directions, rows, features], "weights")
    try checkDimensions(2, [directions, rows, hidden], "recurrent weights")
    let state = recurrent.batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let sequence =
      recurrent.batchFirst ? [batch, time, directions, hidden] : [time, directions, batch, hidden]
    return ([sequence] + [state, state]).prefix(node.outputs.count).map { Fact(.float32, $0) }
  }
}
