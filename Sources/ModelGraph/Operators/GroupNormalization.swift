import Tensors

/// ONNX `GroupNormalization`; scale and bias have an element a channel.
package struct GroupNormalization: Operator {
  package static let name = "norm.group"
  package static let signature = Signature(.data("x"), .data("scale"), .data("bias"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var groups: Int
  package var epsilon: Double

  package static var coding: Coding<Self> { Coding(Self.init, \.groups, \.epsilon) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("groups", groups), PrintedAttribute("epsilon", epsilon)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.groupNormalization(groups: groups)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(GroupNormalization(groups: 1, epsilon: epsilon), operands: operands, results: results)
      .with(.sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func groupNormalization(groups: Int, epsilon: Double) -> Op {
    Op(GroupNormalization(groups: groups, epsilon: epsilon))
  }
}

extension NodeTyping {
  fileprivate func groupNormalization(groups: Int) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    let channels = try channels(type, atLeast: 3)
    guard groups > 0 else { throw failure("it has \(groups) groups") }
    if let count = channels.size, count % groups != 0 {
      throw failure("\(count) channels cannot be split into \(groups) groups")
    }
    try checkPerChannel(1...2, ["scale", "bias"], of: channels)
    return Fact(type)
  }
}
