import Tensors

/// The weights of ONNX Runtime's `MatMulNBits` as floats: `(level − zero point) · scale`, each block of a row with its own.
///
/// The levels are `uint8` `[rows, blocks, block size · bits / 8]`, the first in the low bits. Scales are one for each block of each
/// row, of the result's type. Zero points are packed like the levels, each row from a new byte, or are of the type of the scales;
/// where there are none they are `2^(bits − 1)`. The result is `[rows, columns]`; the last block may reach beyond the columns.
package struct BlockDequantize: Operator {
  package static let name = "dequantize.blocks"
  package static let signature = Signature(.data("levels"), .data("scale"), .optional(.data("zero point")))
  package static let family = OperatorFamily.elementwise

  /// 4 or 8.
  package var bits: Int
  package var blockSize: Int
  package var rows: Int
  package var columns: Int

  package init(bits: Int, blockSize: Int, rows: Int, columns: Int) {
    self.bits = bits
    self.blockSize = blockSize
    self.rows = rows
    self.columns = columns
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.bits, \.blockSize, \.rows, \.columns) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("bits", bits), PrintedAttribute("block", blockSize)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard bits == 4 || bits == 8, blockSize > 0, rows >= 0, columns >= 0 else {
      throw node.failure("its blocks are \(blockSize) levels of \(bits) bits")
    }
    if let type = node.elementType(0), type != .uint8 {
      throw node.failure("its levels are \(type), not uint8")
    }
    guard let type = node.elementType(1) else { return [nil] }
    guard type.isFloatingPoint else { throw node.failure("its scale is \(type)") }
    return [Fact(type, [.known(rows), .known(columns)])]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let smallest = BlockDequantize(bits: 8, blockSize: 1, rows: 1, columns: 1)
    return SmallestNode(smallest, operands: operands, results: results).with(
      .sizes([1, 1, 1]), results: [1, 1])
  }
}

extension Op {
  package static func blockDequantize(_ blocks: BlockDequantize) -> Op { Op(blocks) }
}
