import Tensors

/// ONNX `GatherND`.
package struct GatherND: Operator {
  package static let name = "gather.nd"
  package static let signature = Signature(.data("data"), .data("indices"))
  package static let family = OperatorFamily.movement

  package var batchDimensions: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.batchDimensions) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.gatherND(batchDimensions: batchDimensions)]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(GatherND(batchDimensions: 0), operands: operands, results: results)
      .with(.sizes([1]), .sizes([1, 1]))
  }
}

extension Op {
  package static func gatherND(batchDimensions: Int) -> Op { Op(GatherND(batchDimensions: batchDimensions)) }
}

extension NodeTyping {
  fileprivate func gatherND(batchDimensions: Int) throws(GraphError) -> Fact? {
    try checkInteger(1, "indices")
    guard let type = elementType(0) else { return nil }
    guard let data = dimensions(0), let indices = dimensions(1) else { return Fact(type, nil) }
    guard let last = indices.last, !data.isEmpty else { throw failure("neither operand can be a scalar") }
    guard 0..<min(data.count, indices.count) ~= batchDimensions else {
      throw failure("it has \(batchDimensions) batch axes")
    }
    var batch: [Dimension] = []
    for axis in 0..<batchDimensions {
      batch.append(try unified(data[axis], indices[axis], "the batch axes of data and indices"))
    }
    guard let depth = last.size else { return Fact(type, nil) }
    guard 1...data.count - batchDimensions ~= depth else {
      throw failure(
        "an index of \(depth) numbers does not fit \(data.count) axes, \(batchDimensions) of them batch")
    }
    return Fact(type, batch + indices[batchDimensions...].dropLast() + data[(batchDimensions + depth)...])
  }
}
