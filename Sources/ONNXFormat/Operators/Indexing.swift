import ModelGraph

extension OperatorImport {
  /// Operators that pick or replace elements by index.
  static let indexingOperators: [String: OperatorImport] = [
    "Gather": OperatorImport(2...2) { node in
      try node.emit(.gather(axis: try node.integer("axis", default: 0)), node.operands)
    },
    "GatherElements": OperatorImport(2...2, since: 11) { node in
      try node.emit(.gatherElements(axis: try node.integer("axis", default: 0)), node.operands)
    },
    "GatherND": OperatorImport(2...2, since: 11) { node in
      let batch = try node.integer("batch_dims", in: 0...NodeImport.largest, default: 0)
      try node.emit(.gatherND(batchDimensions: batch), node.operands)
    },
    "ScatterND": OperatorImport(3...3, since: 11) { node in
      try node.emit(.scatterND(try reduction(node)), node.operands)
    },
    "ScatterElements": OperatorImport(3...3, since: 11, scatterElements),
    // The name of ScatterElements before opset 11.
    "Scatter": OperatorImport(3...3, since: 9, until: 10, scatterElements),
    "TensorScatter": OperatorImport(2...3, since: 24) { node in
      let isCircular = try node.choice("mode", default: "linear", ["linear": false, "circular": true])
      try node.emit(
        .cacheUpdate(axis: try node.integer("axis", default: -2), circular: isCircular), node.operands)
    },
    "ReverseSequence": OperatorImport(2...2, since: 10) { node in
      let batch = try node.integer("batch_axis", in: 0...1, default: 1)
      let time = try node.integer("time_axis", in: 0...1, default: 0)
      guard batch != time else { throw node.malformed("has one axis for both time and batch") }
      try node.emit(.reverseSequence(batchFirst: batch == 0), node.operands)
    },
    "OneHot": OperatorImport(3...3, since: 9) { node in
      try node.emit(.oneHot(axis: try node.integer("axis", default: -1)), node.operands)
    },
  ]

  private static func scatterElements(_ node: NodeImport) throws {
    try node.emit(
      .scatterElements(axis: try node.integer("axis", default: 0), try reduction(node)), node.operands)
  }

  private static func reduction(_ node: NodeImport) throws -> ScatterReduction {
    try node.choice(
      "reduction", default: "none",
      ["none": .replace, "add": .add, "mul": .multiply, "max": .maximum, "min": .minimum])
  }
}
