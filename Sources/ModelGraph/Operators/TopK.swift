import Tensors

/// ONNX `TopK`. Results: values, indices.
package struct TopK: Operator {
  package static let name = "topk"
  package static let signature = Signature(.data("x"), .shape("k"), results: 1...2)
  package static let family = OperatorFamily.window

  package var axis: Int
  package var largest: Bool
  package var sorted: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.axis, \.largest, \.sorted) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("axis", axis)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { try node.topK(axis: axis) }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && rows.restIsFixed && rows.isInner(axis, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(TopK(axis: 0, largest: largest, sorted: sorted), operands: operands, results: results)
      .with(.sizes([1]), .absent)
  }
}

extension Op {
  package static func topK(axis: Int, largest: Bool, sorted: Bool) -> Op {
    Op(TopK(axis: axis, largest: largest, sorted: sorted))
  }
}

extension NodeTyping {
  fileprivate func topK(axis: Int) throws(GraphError) -> [Fact?] {
    try checkInteger(1, "numbers k")
    let type = type(0)
    var dimensions = type?.dimensions
    if let known = dimensions {
      let axis = try normalized(axis, rank: known.count)
      let k = try list(1)
      if let k, k.count != 1 { throw failure("its k is \(k.count) numbers") }
      let size = k?.first?.dimension ?? .unknown
      if let count = size.size {
        guard count >= 0, count <= known[axis].size ?? .max else {
          throw failure("the \(count) largest are asked for")
        }
      }
      dimensions?[axis] = size
    }
    let results = [type.map { Fact($0.elementType, dimensions) }, Fact(.int64, dimensions)]
    return Array(results.prefix(node.outputs.count))
  }
}
