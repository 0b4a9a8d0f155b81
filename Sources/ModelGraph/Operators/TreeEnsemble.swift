import Tensors

/// Decision trees, as ONNX's `TreeEnsemble` and its predecessors have them, before base values and post transforms.
///
/// Operands: rows `x` of features; `slots`, an int32 table of branches and leaves (``TreeSlots``); `roots`, the slot of each
/// tree's root. With one target, a leaf's threshold is its weight. With `starts`, `targets` and `weights` it is instead, as
/// an integer of 32 bits, the number of the leaf, whose weights are those from `starts[leaf]` to `starts[leaf + 1]`.
///
/// Results: for each row, the combined weights of each target; 0 for a target without weights.
package struct TreeEnsemble: Operator {
  package static let name = "trees"
  package static let signature = Signature(
    .data("x"), .data("slots"), .data("roots"), .optional(.data("starts")), .optional(.data("targets")),
    .optional(.data("weights")))
  package static let family = OperatorFamily.window

  package var targets: Int
  package var aggregation: TreeAggregation
  /// The most branches from a root to a leaf.
  package var depth: Int

  package init(targets: Int, aggregation: TreeAggregation, depth: Int) {
    self.targets = targets
    self.aggregation = aggregation
    self.depth = depth
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.targets, \.aggregation, \.depth) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("targets", targets), PrintedAttribute("depth", depth)]
      + (aggregation == .sum ? [] : [PrintedAttribute("aggregation", aggregation.rawValue)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.trees(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  /// A step down a tree costs about as much as a multiplication.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.size(0, of: 0) * sizes.size(0, of: 2) * Double(max(depth, 1))
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      TreeEnsemble(targets: 1, aggregation: aggregation, depth: 1), operands: operands, results: results
    )
    .with(
      .sizes([1, 1]), .sizes([1, TreeSlots.words(.float32)]), .sizes([1]), .sizes([2]), results: [1, 1])
  }
}

extension Op {
  package static func trees(targets: Int, aggregation: TreeAggregation, depth: Int) -> Op {
    Op(TreeEnsemble(targets: targets, aggregation: aggregation, depth: depth))
  }
}

/// The layout of a table of branches and leaves: a row for each, of words of 32 bits.
///
/// A row is a threshold, of one word for floats and two for doubles, then a split, then the next slot. The two children of a
/// branch lie side by side: the first at the next slot, for a row that passes the comparison. A leaf's next slot is its own.
package enum TreeSlots {
  /// The bits of a split below the feature.
  package static let isBranch: UInt32 = 1
  package static let nanPasses: UInt32 = 2
  package static let lessPasses: UInt32 = 4
  package static let equalPasses: UInt32 = 8
  /// The lowest bit of the feature.
  package static let featureShift: UInt32 = 4
  /// One more than the largest feature.
  package static let features = 1 << 28

  /// Words of a row, for thresholds of `type`.
  package static func words(_ type: ElementType) -> Int { type == .float64 ? 4 : 3 }
}

extension NodeTyping {
  fileprivate func trees(_ trees: TreeEnsemble) throws(GraphError) -> Fact? {
    guard trees.targets > 0, trees.depth >= 0 else {
      throw failure("it has \(trees.targets) targets and a depth of \(trees.depth)")
    }
    guard let type = elementType(0) else { return nil }
    guard type == .float32 || type == .float64 else { throw failure("its features are \(type)") }
    for index in 1...4 {
      if let given = elementType(index), given != .int32 { throw failure("its tables are \(given)") }
    }
    try checkSameElementType([0, 5])
    guard has(3) == has(4), has(3) == has(5), has(3) || trees.targets == 1 else {
      throw failure("its lists of weights are incomplete")
    }
    if let slots = dimensions(1) {
      guard slots.count == 2, slots[1].unified(with: .known(TreeSlots.words(type))) != nil else {
        throw failure("its table of slots is \(ValueType.text(slots))")
      }
    }
    for index in 2...5 where dimensions(index).map({ $0.count != 1 }) ?? false {
      throw failure("operand \(index) has to be a list")
    }
    guard let rows = dimensions(0) else { return Fact(type, [.unknown, .known(trees.targets)]) }
    guard rows.count == 2 else { throw failure("its features have \(rows.count) axes, not 2") }
    return Fact(type, [rows[0], .known(trees.targets)])
  }
}
