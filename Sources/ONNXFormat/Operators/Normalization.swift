import ModelGraph

extension OperatorImport {
  /// Normalisations, softmax among them.
  static let normalizationOperators: [String: OperatorImport] = [
    "BatchNormalization": OperatorImport(5...5, since: 7) { node in
      node.ignore("momentum")
      if node.opset < 9, try !node.flag("spatial", default: true) {
        throw NodeImport.UnsupportedForm(reason: "spatial = 0")
      }
      // Before opset 14 it is the further results that make it train.
      guard try node.opset < 14 || !node.flag("training_mode"),
        node.proto.output.dropFirst().allSatisfy(\.isEmpty)
      else { throw NodeImport.UnsupportedForm(reason: "training mode") }
      try node.emit(.batchNormalization(epsilon: try node.float("epsilon", default: 1e-5)), node.operands)
    },
    "InstanceNormalization": OperatorImport(3...3) { node in
      try node.emit(.instanceNormalization(epsilon: try node.float("epsilon", default: 1e-5)), node.operands)
    },
    "GroupNormalization": OperatorImport(3...3, since: 18, groupNormalization),
    "RMSNormalization": OperatorImport(2...2, since: 23, rootMeanSquare),
    "LpNormalization": OperatorImport(1...1) { node in
      let operand = try node.operand(0)
      let x = node.inFloats(operand)
      let reduction: [Int: Reduction] = [1: .l1, 2: .l2]
      guard let kind = reduction[try node.integer("p", default: 2)] else {
        throw node.malformed("has a p that is not 1 or 2")
      }
      let axes = try node.constant([try node.integer("axis", default: -1)], "axes")
      let norm = node.intermediate(
        .reduce(kind, keepDimensions: true, noopWithEmptyAxes: false), [x, axes], "norm")
      // If the norm is zero, all elements are zero and stay zero.
      let least = try node.constant(Double(Float.leastNormalMagnitude), like: x, "least")
      let positive = node.intermediate(.binary(.maximum), [norm, least], "positive")
      guard x != operand, let type = node.elementType(operand) else {
        return try node.emit(.binary(.divide), [x, positive])
      }
      try node.emit(.cast(type), [node.intermediate(.binary(.divide), [x, positive], "quotient")])
    },
    "LRN": OperatorImport(1...1) { node in
      try node.emit(
        .localResponseNormalization(
          LocalResponse(
            size: try node.integer("size", in: 1...NodeImport.largest),
            alpha: try node.float("alpha", default: 0.0001), beta: try node.float("beta", default: 0.75),
            bias: try node.float("bias", default: 1))), node.operands)
    },
    "Softmax": softmax(Op.softmax), "LogSoftmax": softmax(Op.logSoftmax),
  ]

  /// Before opset 21 scale and bias are per group, not per channel: each is repeated for the channels of its group.
  private static func groupNormalization(_ node: NodeImport) throws {
    node.ignore("stash_type")
    let groups = try node.integer("num_groups", in: 1...NodeImport.largest)
    let op = Op.groupNormalization(groups: groups, epsilon: try node.float("epsilon", default: 1e-5))
    let x = try node.operand(0)
    var parameters = [try node.operand(1), try node.operand(2)]
    if node.opset < 21 {
      let channels = node.intermediate(.shape(start: 1, end: 2), [x], "channels")
      let count = try node.constant([groups], "groups")
      let perGroup = node.intermediate(.binary(.divide), [channels, count], "channelsPerGroup")
      let repeated = node.intermediate(.concat(axis: 0), [count, perGroup], "repeated")
      let column = try node.constant([groups, 1], "column")
      let flat = try node.constant([-1], "flat")
      parameters = zip(parameters, ["scale", "bias"]).map { parameter, name in
        let columns = node.intermediate(.reshape(allowZero: false), [parameter, column], name + "Column")
        let expanded = node.intermediate(.expand, [columns, repeated], name + "Expanded")
        return node.intermediate(.reshape(allowZero: false), [expanded, flat], name)
      }
    }
    try node.emit(op, [x] + parameters)
  }

  /// x / √(mean(x²) + ε) · scale, over the axes from `axis` to the last. Halves are normalised as floats, whose range their
  /// squares need.
  private static func rootMeanSquare(_ node: NodeImport) throws {
    node.ignore("stash_type")
    let operand = try node.operand(0)
    let x = node.inFloats(operand)
    let axis = try node.integer("axis", default: -1)
    guard let first = axis < 0 ? axis : node.rank(x).map({ axis - $0 }), (-16..<0).contains(first) else {
      throw NodeImport.UnsupportedForm(
        reason: "axis \(axis) of a value whose rank cannot be told from the file")
    }
    let axes = try node.constant(Array(first..<0), "axes")
    let epsilon = try node.constant(try node.float("epsilon", default: 1e-5), like: x, "epsilon")
    let square = node.intermediate(.binary(.multiply), [x, x], "square")
    let mean = node.intermediate(
      .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false), [square, axes], "mean")
    let raised = node.intermediate(.binary(.add), [mean, epsilon], "raised")
    let root = node.intermediate(.unary(.squareRoot), [raised], "root")
    var normalized = node.intermediate(.binary(.divide), [x, root], "normalized")
    if x != operand, let type = node.elementType(operand) {
      normalized = node.intermediate(.cast(type), [normalized], "narrowed")
    }
    try node.emit(.binary(.multiply), [normalized, try node.operand(1)])
  }

  /// Before opset 13 the axis splits the shape in two: all axes from it on are normalised together.
  private static func softmax(_ op: @escaping @Sendable (Int) -> Op) -> OperatorImport {
    OperatorImport(1...1) { node in
      let x = try node.operand(0)
      let axis = try node.integer("axis", default: node.opset < 13 ? 1 : -1)
      let rank = node.rank(x)
      if node.opset >= 13 || axis == -1 || rank.map({ axis == $0 - 1 }) ?? false {
        return try node.emit(op(axis), [x])
      }
      let flat = node.intermediate(.flatten(axis: axis), [x], "flat")
      let normalized = node.intermediate(op(1), [flat], "normalized")
      let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
      try node.emit(.reshape(allowZero: true), [normalized, shape])
    }
  }
}

extension NodeImport {
  /// A value of halves as floats; any other value as it is.
  fileprivate func inFloats(_ id: ValueID) -> ValueID {
    switch elementType(id) {
    case .float16, .bfloat16: intermediate(.cast(.float32), [id], "wide")
    default: id
    }
  }
}
