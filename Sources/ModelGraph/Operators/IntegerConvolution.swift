import Tensors

/// The convolution of 8-bit integers: `Σ (x − x's zero point) · (w − w's zero point) + bias` in `int32`, which wraps; then
/// ``ProductResult``. The padding is x's zero point: it adds nothing.
///
/// It is ONNX `ConvInteger`, and with a scale and a zero point of the result `QLinearConv`. Shapes are those of
/// ``Convolution``. x and w are `int8` or `uint8`; their zero points have their types: one number, of w also one for each
/// filter. Bias (`int32`) and scale (`float32`) are one number, or one for each filter. A rounded result has its step in the place of a
/// zero point.
package struct IntegerConvolution: Operator {
  package static let name = "conv.integer"
  package static let signature = Signature(
    .data("x"), .data("w"), .optional(.data("x zero point")), .optional(.data("w zero point")),
    .optional(.data("bias")), .optional(.data("scale")), .optional(.data("zero point")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  package var window: Convolution
  package var result: ProductResult

  package init(window: Convolution, result: ProductResult = .sums) {
    self.window = window
    self.result = result
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.window, \.result) }

  package var attributes: [PrintedAttribute] { window.attributes + result.printedAttributes }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.checkIntegerProduct(result)
    let dimensions = try node.convolved(window)
    try node.checkEpilogue(channels: dimensions?[1])
    return [Fact(result.elementType, dimensions)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { window.multiplyAdds(sizes) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let smallest = IntegerConvolution(window: Convolution.smallest, result: result)
    return SmallestNode(smallest, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), .sizes([1, 1, 1]), results: [1, 1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    window.nominalShape(weights: weights, rank: rank)
  }
}

extension Op {
  package static func integerConvolution(_ convolution: IntegerConvolution) -> Op { Op(convolution) }
}
