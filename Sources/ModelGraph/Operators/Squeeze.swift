import Tensors

/// ONNX `Squeeze`.
package struct Squeeze: Operator {
  package static let name = "squeeze"
  package static let signature = Signature(.data("x"), .optional(.shape("axes")))
  package static let family = OperatorFamily.movement
  package static let isView = true
  package static let isShapeArithmetic = true
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.squeeze()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsNotRows && rows.keepsElements
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .absent)
  }
}

extension Op {
  package static var squeeze: Op { Op(Squeeze()) }
}

extension NodeTyping {
  fileprivate func squeeze() throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    var axes: [Int]
    if has(1) {
      try checkInteger(1, "axes")
      guard let given = try integers(1) else {
        let count = try listCount(1)
        guard let count, count <= dimensions.count else { return Fact(type, nil) }
        return Fact(type, [Dimension](repeating: .unknown, count: dimensions.count - count))
      }
      axes = try normalized(given, rank: dimensions.count)
      for axis in axes where dimensions[axis].unified(with: .known(1)) == nil {
        throw failure("axis \(axis) is not of size 1")
      }
    } else {
      guard dimensions.allSatisfy({ $0.size != nil }) else { return Fact(type, nil) }
      axes = dimensions.indices.filter { dimensions[$0] == .known(1) }
    }
    let result = dimensions.indices.filter { !axes.contains($0) }.map { dimensions[$0] }
    return Fact(type, result, elements: elements(of: operand, as: result))
  }
}
