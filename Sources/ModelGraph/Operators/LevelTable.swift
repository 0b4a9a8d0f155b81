import Tensors

/// A function of 8-bit levels, as the 256 levels that it gives: any chain of functions of one element between `Dequantize` and
/// `Quantize`.
///
/// The table has the results by the bits of the operand: of 0…127 first, and behind them of 128…255, or of −128…−1.
package struct LevelTable: Operator {
  package static let name = "levels.table"
  package static let signature = Signature(.data("x"), .data("table"))
  package static let family = OperatorFamily.elementwise

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    for index in 0..<2 { try node.checkLevels(index) }
    if let table = node.dimensions(1), table.count != 1 || table[0].size.map({ $0 != 256 }) ?? false {
      throw node.failure("its table is \(ValueType.text(table))")
    }
    return [node.elementType(1).map { Fact($0, node.dimensions(0)) }]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.sizes([1]), .sizes([256]))
  }
}

extension Op {
  package static var levelTable: Op { Op(LevelTable()) }
}
