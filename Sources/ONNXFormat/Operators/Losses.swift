import ModelGraph
import Tensors

extension OperatorImport {
  /// Losses of a classification: x [N, C, …], the class of each place [N, …], a weight for each class.
  static let lossOperators: [String: OperatorImport] = [
    // https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html
    "NegativeLogLikelihoodLoss": OperatorImport(2...3, since: 12) { node in
      try node.emitInFloats(try node.scoresAndWeights()) { operands in
        try node.negativeLogLikelihood(operands[0], weights: operands.dropFirst().first)
      }
    },
    // https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
    "SoftmaxCrossEntropyLoss": OperatorImport(2...3, since: 12) { node in
      let operands = try node.scoresAndWeights().enumerated().map { index, id in
        node.inFloats(id, "wide\(index)")
      }
      let logarithms = node.intermediate(.logSoftmax(axis: 1), [operands[0]], "logarithms")
      let last = try node.negativeLogLikelihood(logarithms, weights: operands.dropFirst().first)
      let loss = node.intermediate(last.op, last.inputs, "loss")
      for (result, value) in [loss, logarithms].enumerated()
      where node.wants(result) {
        let type = operands[0] == node.operands[0] ? nil : node.elementType(node.operands[0])
        try node.emit(result: result, type.map { .cast($0) } ?? .identity, [value])
      }
    },
  ]
}

extension NodeImport {
  fileprivate func scoresAndWeights() throws -> [ValueID] {
    [try operand(0)] + (optional(2).map { [$0] } ?? [])
  }

  /// −x at the class of each place times that class's weight; then what the attribute `reduction` makes of the places. Those
  /// of the class `ignore_index`, which need be none, count nothing.
  fileprivate func negativeLogLikelihood(_ x: ValueID, weights: ValueID?) throws -> (
    op: Op, inputs: [ValueID?]
  ) {
    let reduction = try choice(
      "reduction", default: "mean", ["none": Reduction?.none, "sum": .sum, "mean": .mean])
    var classes = try operand(1)
    var ignored: ValueID?
    if let number = try integer("ignore_index"), let ignoredClass = try constant(number, ofTypeOf: classes) {
      let isIgnored = intermediate(.binary(.equal), [classes, ignoredClass], "ignored")
      classes = intermediate(
        .select, [isIgnored, try constant(0, like: classes, "zeroClass"), classes], "counted")
      ignored = isIgnored
    }
    /// `value` with 0 where a place counts nothing.
    func counted(_ value: ValueID, _ suffix: String) throws -> ValueID {
      guard let ignored else { return value }
      return intermediate(.select, [ignored, try constant(0, like: x, suffix + "/zero"), value], suffix)
    }
    let axis = try constant([1], "classAxis")
    let column = intermediate(.unsqueeze, [classes, axis], "column")
    let picked = intermediate(.gatherElements(axis: 1), [x, column], "picked")
    var loss = intermediate(
      .unary(.negate), [intermediate(.squeeze, [picked, axis], "place")], "likelihood")
    var weight = weights.map { intermediate(.gather(axis: 0), [$0, classes], "weight") }
    if let weight { loss = intermediate(.binary(.multiply), [loss, weight], "weighted") }
    loss = try counted(loss, "countedLoss")
    guard let reduction else { return (.identity, [loss]) }
    func total(_ kind: Reduction) -> Op { .reduce(kind, keepDimensions: false, noopWithEmptyAxes: false) }
    if reduction == .sum || weight == nil && ignored == nil { return (total(reduction), [loss]) }
    if weight == nil {
      let shape = intermediate(.shape(start: 0, end: nil), [classes], "placesShape")
      weight = intermediate(.constantOfShape(value: try tensor(1, like: x)), [shape], "one")
    }
    let sum = intermediate(total(.sum), [loss], "sum")
    let count = intermediate(total(.sum), [try weight.map { try counted($0, "countedWeight") }], "count")
    return (.binary(.divide), [sum, count])
  }

  /// A number of the integer type of `model`; `nil` if no integer of that type is this number.
  private func constant(_ number: Int, ofTypeOf model: ValueID) throws -> ValueID? {
    let tensor: Tensor?
    switch elementType(model) {
    case .int64: tensor = try Tensor([Int64(number)], shape: .scalar)
    case .int32: tensor = try Int32(exactly: number).map { try Tensor([$0], shape: .scalar) }
    default: throw UnsupportedForm(reason: "the type of the classes cannot be told from the file")
    }
    return tensor.map { graph.constant($0, named: "\(name)/ignoredClass") }
  }
}
