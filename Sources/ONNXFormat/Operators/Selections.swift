import ModelGraph

extension OperatorImport {
  /// Operators that select elements, whose number depends on data.
  static let selectionOperators: [String: OperatorImport] = [
    "NonMaxSuppression": OperatorImport(2...5, since: 10) { node in
      let center = try node.integer("center_point_box", in: 0...1, default: 0)
      try node.emit(.nonMaxSuppression(centerPointBox: center == 1), node.operands)
    },
    "Compress": OperatorImport(2...2, since: 9) { node in
      try node.emit(.compress(axis: try node.integer("axis")), node.operands)
    },
    "Unique": OperatorImport(1...1, since: 11) { node in
      try node.emit(
        .unique(axis: try node.integer("axis"), sorted: try node.flag("sorted", default: true)), node.operands
      )
    },
  ]
}
