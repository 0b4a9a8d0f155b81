import Tensors

/// ONNX `DepthToSpace`: groups channels into spatial blocks, `[N, C, H, W]`.
package struct DepthToSpace: Operator {
  package static let name = "depthtospace"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package var reals: RealElements { .moved }

  package var blockSize: Int
  package var columnRowDepth: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.blockSize, \.columnRowDepth) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("block", blockSize)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.depthToSpace(blockSize)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(DepthToSpace(blockSize: 1, columnRowDepth: false), operands: operands, results: results)
      .with(.sizes([1, 1, 1, 1]), results: [1, 1, 1, 1])
  }
}

extension Op {
  package static func depthToSpace(blockSize: Int, columnRowDepth: Bool) -> Op {
    Op(DepthToSpace(blockSize: blockSize, columnRowDepth: columnRowDepth))
  }
}

extension NodeTyping {
  /// Grouping of spatial blocks into channels, and back: `[N, C, H, W]`.
  fileprivate func depthToSpace(_ block: Int) throws(GraphError) -> Fact? {
    guard let (type, image, area) = try blocks(block) else { return self[0] }
    if let channels = image[1].size, channels % area != 0 {
      throw failure("\(channels) channels cannot be spread over blocks of \(block) by \(block)")
    }
    return Fact(
      type,
      [
        image[0], block == 1 ? image[1] : image[1].size.map { .known($0 / area) } ?? .unknown,
        try sized(image[2].times(.known(block))), try sized(image[3].times(.known(block))),
      ])
  }
}
