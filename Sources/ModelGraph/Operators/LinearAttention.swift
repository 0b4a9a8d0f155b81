import Tensors

/// ONNX `LinearAttention`. Operands are packed: [batch, time, heads · size]. Results: the output and the last state, which is
/// [batch, key heads, key size, value size].
package struct LinearAttention: Operator {
  /// The update of the state in each step.
  package enum Rule: String, Sendable, Hashable, Codable, Packable {
    case linear, gated, delta, gatedDelta

    /// True if the state decays first.
    package var isGated: Bool { self == .gated || self == .gatedDelta }
    /// True if the value is corrected by what the state holds for the key.
    package var isDelta: Bool { self == .delta || self == .gatedDelta }
  }

  package static let name = "attention.linear"
  package static let signature = Signature(
    .data("query"), .data("key"), .data("value"), .optional(.data("state")), .optional(.data("decay")),
    .optional(.data("beta")), results: 1...2)
  package static let family = OperatorFamily.linear
  package var reals: RealElements { .computed }

  package var queryHeads: Int
  package var keyHeads: Int
  package var rule: Rule
  /// `nil`: one over the root of the key size.
  package var scale: Double?

  package init(queryHeads: Int, keyHeads: Int, rule: Rule, scale: Double?) {
    self.queryHeads = queryHeads
    self.keyHeads = keyHeads
    self.rule = rule
    self.scale = scale
  }

  package static var coding: Coding<Self> {
    Coding(Self.init, \.queryHeads, \.keyHeads, \.rule, \.scale)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("heads", [queryHeads, keyHeads]), PrintedAttribute("rule", rule.rawValue)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.linearAttention(self) }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && (1..<6).allSatisfy { !rows.has($0) || rows.isRows($0) }
  }

  /// Each step of each key head updates the state and reads it once for each query head.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    let valueSize = sizes.size(2, of: 2) / Double(max(keyHeads, 1))
    return (sizes.elements(0) + 2 * sizes.elements(1)) * valueSize
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let op = LinearAttention(queryHeads: 1, keyHeads: 1, rule: rule, scale: scale)
    var node = SmallestNode(op, operands: operands, results: results).with(
      .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 1, 1, 1]), .sizes([1, 1, 1]),
      .sizes([1, 1, 1]), results: [1, 1, 1])
    if node.results.count > 1 { node.results[1] = [1, 1, 1, 1] }
    return node
  }
}

extension Op {
  package static func linearAttention(_ attention: LinearAttention) -> Op { Op(attention) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__LinearAttention.html`
  fileprivate func linearAttention(_ op: LinearAttention) throws(GraphError) -> [Fact?] {
    try checkSameElementType([0, 1, 2, 4, 5])
    guard op.queryHeads > 0, op.keyHeads > 0, op.queryHeads % op.keyHeads == 0 else {
      throw failure("\(op.queryHeads) heads of queries do not share \(op.keyHeads) of keys")
    }
    guard let type = elementType(0) ?? elementType(1) ?? elementType(2) else {
      return [Fact?](repeating: nil, count: node.outputs.count)
    }
    let (batch, time) = try batchAndTime()
    let querySize = try headSize(0, op.queryHeads)
    let keySize = try unified(querySize, headSize(1, op.keyHeads), "the sizes of query and key heads")
    let valueSize = try headSize(2, op.keyHeads)
    let state = [batch, .known(op.keyHeads), keySize, valueSize]
    try checkDimensions(3, state, "state")
    let width = try sized(valueSize.times(.known(op.queryHeads)))
    let facts = [Fact(type, [batch, time, width]), Fact(elementType(3) ?? type, state)]
    return Array(facts.prefix(node.outputs.count))
  }

  /// The first two sizes, which all operands but the state share.
  private func batchAndTime() throws(GraphError) -> (Dimension, Dimension) {
    var (batch, time) = (Dimension.unknown, Dimension.unknown)
    for index in [0, 1, 2, 4, 5] {
      guard let dimensions = dimensions(index) else { continue }
      guard dimensions.count == 3 else {
        throw failure("operand \(index) has \(dimensions.count) axes, not 3")
      }
      batch = try unified(batch, dimensions[0], "the batches of its operands")
      time = try unified(time, dimensions[1], "the lengths of its operands")
    }
    return (batch, time)
  }

  /// The size of each of the heads that an operand holds.
  private func headSize(_ index: Int, _ heads: Int) throws(GraphError) -> Dimension {
    guard let width = dimensions(index)?.last?.size else { return .unknown }
    guard width % heads == 0 else { throw failure("operand \(index) does not hold \(heads) heads") }
    return .known(width / heads)
  }
}
