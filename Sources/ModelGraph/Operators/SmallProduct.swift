import Tensors

/// The product of a matrix of floats with weights of 8 or 16 bits, which stay in memory as they are: `a × weights · scale + bias`.
///
/// a is `float32` `[…, depth]`. Weights are `int8`, `bfloat16` or `float16` in panels of 16 columns,
/// `[panels, depth, 16]`; columns behind the last are zeros. Weights of `int8` have a scale, `float32` `[panels, blocks, 16]`: a number
/// for each `block` of integers of a column. The bias is one number for each column. The pass `SmallWeights` makes this operator;
/// no ONNX operator is read as it.
package struct SmallProduct: Operator {
  package static let name = "matmul.small"
  package static let signature = Signature(
    .data("a"), .data("weights"), .optional(.data("scale")), .optional(.data("bias")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  /// The columns of the result.
  package var columns: Int
  /// The integers of a column that share a scale.
  package var block: Int

  package init(columns: Int, block: Int) {
    self.columns = columns
    self.block = block
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.columns, \.block) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("columns", columns), PrintedAttribute("block", block)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkSmallWeights(columns: columns, block: block)
    guard let a = node.dimensions(0) else { return [Fact(.float32, nil)] }
    guard let depth = a.last else { throw node.failure("a scalar is no matrix") }
    if let weights = node.dimensions(1) {
      _ = try node.unified(depth, weights[1], "the columns of the matrix and the rows of the weights")
    }
    return [Fact(.float32, a.dropLast() + [.known(columns)])]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && (rows.rank(0) ?? 0) >= 2
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { sizes.resultElements * sizes.size(1, of: 1) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(SmallProduct(columns: 1, block: 1), operands: operands, results: results).with(
      .sizes([1, 1]), .sizes([1, 1, SmallPanels.width]), .sizes([1, 1, SmallPanels.width]), .sizes([1]),
      results: [1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    weights.count == 3 ? Array(repeating: 1, count: max((rank ?? 2) - 1, 1)) + [weights[1]] : nil
  }
}

/// The form of small weights.
package enum SmallPanels {
  /// The columns of a panel.
  package static let width = 16

  /// The panels of so many columns.
  package static func count(columns: Int) -> Int {
    columns / width + (columns % width == 0 ? 0 : 1)
  }

  /// The blocks of a column.
  package static func blocks(depth: Int, block: Int) -> Int {
    depth / block + (depth % block == 0 ? 0 : 1)
  }

  /// True for the element types that small weights may have.
  package static func holds(_ type: ElementType) -> Bool {
    type == .int8 || type == .bfloat16 || type == .float16
  }
}

extension Op {
  package static func smallProduct(_ product: SmallProduct) -> Op { Op(product) }
}

extension NodeTyping {
  /// Checks the types and shapes of weights at 1, of their scale at 2 and of the bias at 3.
  func checkSmallWeights(columns: Int, block: Int) throws(GraphError) {
    guard columns > 0, block > 0 else { throw failure("it has \(columns) columns in blocks of \(block)") }
    if let type = elementType(0), type != .float32 { throw failure("its first operand is \(type)") }
    if let type = elementType(1) {
      guard SmallPanels.holds(type) else { throw failure("its weights are \(type)") }
      guard (type == .int8) == has(2) else {
        throw failure("weights of \(type) \(has(2) ? "have no" : "need a") scale")
      }
    }
    for index in 2...3 {
      if let type = elementType(index), type != .float32 { throw failure("operand \(index) is \(type)") }
    }
    try checkVector(3, .known(columns), "bias")
    let panels = Dimension.known(SmallPanels.count(columns: columns))
    let width = Dimension.known(SmallPanels.width)
    guard let weights = dimensions(1) else { return }
    guard weights.count == 3, weights[0].unified(with: panels) != nil, weights[2].unified(with: width) != nil
    else { throw failure("its weights are no panels of \(columns) columns") }
    guard let scale = dimensions(2) else { return }
    let blocks =
      weights[1].size.map { Dimension.known(SmallPanels.blocks(depth: $0, block: block)) } ?? .unknown
    guard scale.count == 3, scale[0].unified(with: panels) != nil, scale[2].unified(with: width) != nil,
      scale[1].unified(with: blocks) != nil
    else { throw failure("its scale is not one number for each block") }
  }
}
