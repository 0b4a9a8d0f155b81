import Tensors

/// ONNX `Shape`.
package struct ShapeOf: Operator {
  package static let name = "shape"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.movement
  package static let readsShapesAlone = true

  package var start: Int
  package var end: Int?

  package static var coding: Coding<Self> { Coding(Self.init, \.start, \.end) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [node.shape(start: start, end: end)]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(ShapeOf(start: 0, end: nil), operands: operands, results: results)
  }
}

extension Op {
  package static func shape(start: Int, end: Int?) -> Op { Op(ShapeOf(start: start, end: end)) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Shape.html`: bounds count from the end where negative, and are clamped.
  fileprivate func shape(start: Int, end: Int?) -> Fact {
    guard let dimensions = dimensions(0) else { return Fact(.int64, [.unknown]) }
    let rank = dimensions.count
    func clamped(_ bound: Int) -> Int { min(max(bound < 0 ? bound + rank : bound, 0), rank) }
    let from = clamped(start)
    let part = dimensions[from..<max(clamped(end ?? rank), from)]
    return Fact(.int64, [.known(part.count)], elements: part.map { Scalar($0) })
  }
}
