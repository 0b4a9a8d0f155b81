import ModelGraph
import Tensors

extension OperatorImport {
  /// Normalisations, softmax among them.
  static let normalizationOperators: [String: OperatorImport] = [
    "BatchNormalization": OperatorImport(5...5, batchNormalization),
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
    "Softmax": alongAxis { _, x, axis in (.softmax(axis: axis), [x]) },
    "LogSoftmax": alongAxis { _, x, axis in (.logSoftmax(axis: axis), [x]) },
    "Hardmax": alongAxis(hardmax),
    "MeanVarianceNormalization": OperatorImport(1...1, since: 9) { node in
      let axes = try node.constant(try node.integers("axes") ?? [0, 2, 3], "axes")
      try node.emitInFloats([try node.operand(0)]) { operands in
        let moments = node.moments(operands[0], axes)
        let root = node.intermediate(.unary(.squareRoot), [moments.variance], "root")
        let least = try node.constant(1e-9, like: operands[0], "least")
        return (
          .binary(.divide), [moments.centered, node.intermediate(.binary(.add), [root, least], "deviation")]
        )
      }
    },
  ]

  /// Before opset 9 there may be a mean and a variance for each element of a row, in place of each channel.
  private static func batchNormalization(_ node: NodeImport) throws {
    let momentum = try node.float("momentum", default: 0.9)
    let epsilon = try node.float("epsilon", default: 1e-5)
    if node.opset < 7, try !node.flag("is_test") {
      throw NodeImport.UnsupportedForm(reason: "training mode (is_test = 0)")
    }
    if node.opset >= 14, try node.flag("training_mode") {
      return try node.emitTraining(.batchNormalization(epsilon: epsilon), momentum: momentum)
    }
    // From opset 7 to 13 it is the further results that make it train.
    guard node.proto.output.dropFirst().allSatisfy(\.isEmpty) else {
      throw NodeImport.UnsupportedForm(reason: "training mode")
    }
    guard try node.opset < 9 && !node.flag("spatial", default: true) else {
      return try node.emit(.batchNormalization(epsilon: epsilon), node.operands)
    }
    try node.emitInFloats(try (0..<5).map(node.operand)) { operands in
      let raised = node.intermediate(
        .binary(.add), [operands[4], try node.constant(epsilon, like: operands[4], "epsilon")], "raised")
      let centered = node.intermediate(.binary(.subtract), [operands[0], operands[3]], "centered")
      let root = node.intermediate(.unary(.squareRoot), [raised], "root")
      let normalized = node.intermediate(.binary(.divide), [centered, root], "normalized")
      let scaled = node.intermediate(.binary(.multiply), [normalized, operands[1]], "scaled")
      return (.binary(.add), [scaled, operands[2]])
    }
  }

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

  /// x / √(mean(x²) + ε) · scale, over the axes from `axis` to the last, in the type of the scale, which need not be that of x.
  private static func rootMeanSquare(_ node: NodeImport) throws {
    node.ignore("stash_type")
    let scale = try node.operand(1)
    let normalized = try node.rootMeanSquare(
      try node.operand(0), scale, axis: try node.integer("axis", default: -1),
      try node.float("epsilon", default: 1e-5))
    guard let type = node.elementType(scale) else {
      throw NodeImport.UnsupportedForm(reason: "the element type of its scale cannot be told from the file")
    }
    try node.emit(result: 0, normalized.value, as: type)
  }

  /// 1 at the first of the largest elements along an axis, and 0 elsewhere.
  private static func hardmax(_ node: NodeImport, _ x: ValueID, _ axis: Int) throws -> (
    op: Op, inputs: [ValueID?]
  ) {
    guard let type = node.elementType(x) else {
      throw NodeImport.UnsupportedForm(reason: "the element type of its operand cannot be told from the file")
    }
    let largest = node.intermediate(
      .argumentOf(.maximum, axis: axis, keepDimensions: false, selectLastIndex: false), [x], "largest")
    let count = node.intermediate(.shape(start: axis, end: axis == -1 ? nil : axis &+ 1), [x], "count")
    let numbers = try node.constant([0, 1] as [Float], "numbers")
    let values = type == .float32 ? numbers : node.intermediate(.cast(type), [numbers], "values")
    return (.oneHot(axis: axis), [largest, count, values])
  }

  /// An operator along one axis. Before opset 13 the axis splits the shape in two: all axes from it on are one.
  private static func alongAxis(
    _ body: @escaping @Sendable (NodeImport, ValueID, Int) throws -> (op: Op, inputs: [ValueID?])
  ) -> OperatorImport {
    OperatorImport(1...1) { node in
      let x = try node.operand(0)
      let axis = try node.integer("axis", default: node.opset < 13 ? 1 : -1)
      let rank = node.rank(x)
      if node.opset >= 13 || axis == -1 || rank.map({ axis == $0 - 1 }) ?? false {
        let last = try body(node, x, axis)
        return try node.emit(last.op, last.inputs)
      }
      let flat = node.intermediate(.flatten(axis: axis), [x], "flat")
      let last = try body(node, flat, 1)
      let normalized = node.intermediate(last.op, last.inputs, "normalized")
      let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
      try node.emit(.reshape(allowZero: true), [normalized, shape])
    }
  }
}

extension NodeImport {
  /// The mean of x along `axes`, x without it, and the variance.
  fileprivate func moments(_ x: ValueID, _ axes: ValueID) -> (
    mean: ValueID, centered: ValueID, variance: ValueID
  ) {
    let average = Op.reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false)
    let mean = intermediate(average, [x, axes], "mean")
    let centered = intermediate(.binary(.subtract), [x, mean], "centered")
    let square = intermediate(.binary(.multiply), [centered, centered], "square")
    return (mean, centered, intermediate(average, [square, axes], "variance"))
  }

  /// Makes the results of a batch normalisation by the mean and variance of the batch itself: y, and those that an average over
  /// batches has by then.
  fileprivate func emitTraining(_ op: Op, momentum: Double) throws {
    let x = try operand(0)
    guard let rank = rank(x), rank >= 2 else {
      throw UnsupportedForm(reason: "training mode for a value whose rank cannot be told from the file")
    }
    let axes = [0] + Array(2..<rank)
    let moments = moments(inFloats(x), try constant(axes, "batchAxes"))
    let flat = try constant([-1], "flat")
    var statistics: [ValueID] = []
    for (index, value) in [(3, moments.mean), (4, moments.variance)] {
      let average = try operand(index)
      guard let type = elementType(average) else {
        throw UnsupportedForm(reason: "the element type of its mean cannot be told from the file")
      }
      let name = index == 3 ? "batchMean" : "batchVariance"
      let found = intermediate(
        .cast(type), [intermediate(.reshape(allowZero: false), [value, flat], name + "/flat")], name)
      statistics.append(found)
      let result = index - 2
      guard wants(result) else { continue }
      let old = intermediate(
        .binary(.multiply), [average, try constant(momentum, like: average, name + "/momentum")],
        name + "/old")
      let new = intermediate(
        .binary(.multiply), [found, try constant(1 - momentum, like: average, name + "/rest")], name + "/new")
      try emit(result: result, .binary(.add), [old, new])
    }
    try emit(result: 0, op, [x, try operand(1), try operand(2)] + statistics)
  }

  /// A value of halves as floats; any other value as it is.
  func inFloats(_ id: ValueID, _ suffix: String = "wide") -> ValueID {
    switch elementType(id) {
    case .float16, .bfloat16: intermediate(.cast(.float32), [id], suffix)
    default: id
    }
  }
}
