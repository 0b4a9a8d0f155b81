import Tensors

/// ONNX `MaxRoiPool`: `https://onnx.ai/onnx/operators/onnx__MaxRoiPool.html`.
package struct MaxRoiPool: Operator {
  package static let name = "maxroipool"
  package static let signature = Signature(.data("x"), .data("regions"))
  package static let family = OperatorFamily.window

  package var height: Int
  package var width: Int
  /// The factor from the regions' coordinates to those of the image.
  package var scale: Double

  package static var coding: Coding<Self> { Coding(Self.init, \.height, \.width, \.scale) }

  package init(height: Int, width: Int, scale: Double) {
    self.height = height
    self.width = width
    self.scale = scale
  }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("size", [height, width])] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.pooledRegions(try node.regions(numbers: 5), height: height, width: width)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isFixed(0) && rows.isRows(1) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(MaxRoiPool(height: 1, width: 1, scale: scale), operands: operands, results: results)
      .with(.sizes([1, 1, 1, 1]), .sizes([1, 5]), results: [1, 1, 1, 1])
  }
}

extension Op {
  package static func maxRoiPool(height: Int, width: Int, scale: Double) -> Op {
    Op(MaxRoiPool(height: height, width: width, scale: scale))
  }
}
