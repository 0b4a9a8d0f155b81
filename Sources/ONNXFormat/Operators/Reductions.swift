import ModelGraph

extension OperatorImport {
  /// Reductions and what else runs along an axis.
  static let reductionOperators: [String: OperatorImport] = [
    "ReduceSum": reduce(.sum, axesAreOperandSince: 13), "ReduceMean": reduce(.mean),
    "ReduceMax": reduce(.maximum), "ReduceMin": reduce(.minimum), "ReduceProd": reduce(.product),
    "ReduceSumSquare": reduce(.sumOfSquares), "ReduceL1": reduce(.l1), "ReduceL2": reduce(.l2),
    "ReduceLogSum": reduce(.logSum), "ReduceLogSumExp": reduce(.logSumExp),
    "ArgMax": argument(.maximum), "ArgMin": argument(.minimum),
    "TopK": OperatorImport(1...2) { node in
      let x = try node.operand(0)
      let count: ValueID
      if node.opset < 10 {
        count = try node.constant([try node.integer("k", in: 0...NodeImport.largest)], "k")
      } else {
        count = try node.operand(1)
      }
      try node.emit(
        .topK(
          axis: try node.integer("axis", default: -1), largest: try node.flag("largest", default: true),
          sorted: try node.flag("sorted", default: true)), [x, count])
    },
    "CumSum": OperatorImport(2...2, since: 11) { node in
      try node.emit(
        .cumulativeSum(exclusive: try node.flag("exclusive"), reverse: try node.flag("reverse")),
        node.operands)
    },
    "CumProd": OperatorImport(2...2, since: 26) { node in
      try node.emit(
        .cumulativeProduct(exclusive: try node.flag("exclusive"), reverse: try node.flag("reverse")),
        node.operands)
    },
  ]

  /// Axes are an attribute in older opsets.
  private static func reduce(_ reduction: Reduction, axesAreOperandSince opset: Int = 18) -> OperatorImport {
    OperatorImport(1...2) { node in
      var axes = node.optional(1)
      if node.opset < opset {
        guard axes == nil else { throw node.malformed("has its axes as an operand before opset \(opset)") }
        axes = try node.integers("axes").map { try node.constant($0, "axes") }
      }
      try node.emit(
        .reduce(
          reduction, keepDimensions: try node.flag("keepdims", default: true),
          noopWithEmptyAxes: try node.flag("noop_with_empty_axes")), [try node.operand(0), axes])
    }
  }

  private static func argument(_ extremum: Extremum) -> OperatorImport {
    OperatorImport(1...1) { node in
      try node.emit(
        .argumentOf(
          extremum, axis: try node.integer("axis", default: 0),
          keepDimensions: try node.flag("keepdims", default: true),
          selectLastIndex: try node.flag("select_last_index")), node.operands)
    }
  }
}
