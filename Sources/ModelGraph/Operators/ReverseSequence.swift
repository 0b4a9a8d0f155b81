import Tensors

/// ONNX `ReverseSequence`: x, the number of elements that are reversed in each sequence. Time and batch are the first two axes.
package struct ReverseSequence: Operator {
  package static let name = "reversesequence"
  package static let signature = Signature(.data("x"), .data("lengths"))
  package static let family = OperatorFamily.movement

  /// Batch before time.
  package var batchFirst: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.batchFirst) }

  package var attributes: [PrintedAttribute] {
    batchFirst ? [PrintedAttribute("layout", "batch first")] : []
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.reverseSequence(batchFirst: batchFirst)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { batchFirst && rows.allRows }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.sizes([1, 1]), results: [1, 1])
  }
}

extension Op {
  package static func reverseSequence(batchFirst: Bool) -> Op { Op(ReverseSequence(batchFirst: batchFirst)) }
}

extension NodeTyping {
  fileprivate func reverseSequence(batchFirst: Bool) throws(GraphError) -> Fact? {
    try checkInteger(1, "lengths")
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    guard dimensions.count >= 2 else {
      throw failure("its input has \(dimensions.count) axes, not time and batch")
    }
    try checkVector(1, dimensions[batchFirst ? 0 : 1], "list of lengths")
    return Fact(type)
  }
}
