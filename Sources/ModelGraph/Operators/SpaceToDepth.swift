import Tensors

/// ONNX `SpaceToDepth`: groups spatial blocks into channels, `[N, C, H, W]`.
package struct SpaceToDepth: Operator {
  package static let name = "spacetodepth"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package var blockSize: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.blockSize) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("block", blockSize)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.spaceToDepth(blockSize)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(SpaceToDepth(blockSize: 1), operands: operands, results: results)
      .with(.sizes([1, 1, 1, 1]), results: [1, 1, 1, 1])
  }
}

extension Op {
  package static func spaceToDepth(blockSize: Int) -> Op { Op(SpaceToDepth(blockSize: blockSize)) }
}

extension NodeTyping {
  fileprivate func spaceToDepth(_ block: Int) throws(GraphError) -> Fact? {
    guard let (type, image, area) = try blocks(block) else { return self[0] }
    for size in image[2...].compactMap(\.size) where size % block != 0 {
      throw failure("an image of \(ValueType.text(image)) cannot be cut into blocks of \(block) by \(block)")
    }
    let spatial = image[2...].map { $0.dividedRoundingUp(by: block) }
    return Fact(type, [image[0], try sized(image[1].times(.known(area)))] + spatial)
  }
}
