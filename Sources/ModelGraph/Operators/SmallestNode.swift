/// A node that does the least work which its operator allows: neutral parameters, and sizes of 1 wherever there is a
/// choice. Sizes decide which kernel serves a node, element types alone whether there is one.
package struct SmallestNode: Sendable {
  /// An operand of the smallest node.
  package enum Operand: Sendable {
    /// Elements of any value.
    case sizes([Int])
    /// Known integers that steer the kernel.
    case integers([Int])
    case absent
  }

  package var op: Op
  package var operands: [Operand]
  /// Sizes of the results.
  package var results: [[Int]]

  /// A node whose operands and results have one axis of one element.
  package init(_ op: some Operator, operands: Int, results: Int) {
    self.op = Op(op)
    self.operands = [Operand](repeating: .sizes([1]), count: operands)
    self.results = [[Int]](repeating: [1], count: results)
  }

  /// The same with operands in place of the first ones, as far as the node has them, and with all results of `sizes`.
  package func with(_ first: Operand..., results sizes: [Int]? = nil) -> SmallestNode {
    var node = self
    for (index, operand) in first.enumerated() where index < operands.count { node.operands[index] = operand }
    if let sizes { node.results = node.results.map { _ in sizes } }
    return node
  }
}
