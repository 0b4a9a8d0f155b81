import Tensors

/// ONNX `MelWeightMatrix`: `https://onnx.ai/onnx/operators/onnx__MelWeightMatrix.html`.
package struct MelWeights: Operator {
  package static let name = "melweights"
  package static let signature = Signature(
    .shape("bands"), .shape("length"), .data("rate"), .data("lowest"), .data("highest"))
  package static let family = OperatorFamily.movement

  package var elementType: ElementType

  package static var coding: Coding<Self> { Coding(Self.init, \.elementType) }

  package init(elementType: ElementType) { self.elementType = elementType }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.melWeights(elementType)]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.integers([1]), .integers([1]), .integers([1]), results: [1, 1])
  }
}

extension Op {
  package static func melWeights(_ elementType: ElementType) -> Op {
    Op(MelWeights(elementType: elementType))
  }
}

extension NodeTyping {
  fileprivate func melWeights(_ type: ElementType) throws(GraphError) -> Fact {
    try checkInteger(0, "number of bands")
    try checkInteger(1, "length")
    try checkInteger(2, "sample rate")
    let bands = try soleNumber(0, "number of bands").dimension
    let length = try soleNumber(1, "length").dimension
    guard bands.size ?? 0 >= 0, length.size ?? 0 >= 0 else { throw failure("a size is negative") }
    for index in 2...4 {
      if let count = try listCount(index), count != 1 {
        throw failure("operand \(index) is \(count) numbers")
      }
    }
    return Fact(type, [try spectrum(length, oneSided: true), bands])
  }
}
