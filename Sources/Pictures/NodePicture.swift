import ModelGraph

/// The appearance of a node in pictures: a short label, and the colour of its kind of work.
struct NodePicture {
  var label: String
  var style: String

  static let legend = [
    (style: "linear", text: "convolution, matmul"),
    (style: "window", text: "pool, norm, reduce"),
    (style: "element", text: "element-wise"), (style: "move", text: "moves data"),
  ]

  init(_ node: Node) {
    let tails = node.postOps.map { postOp in
      switch postOp {
      case .unary(let function): NodePicture.short(Op.unary(function))
      case .binary(let function, _): NodePicture.short(Op.binary(function))
      }
    }
    label = ([NodePicture.short(node.op)] + tails).joined(separator: " + ")
    style = type(of: node.op.base).family.style
  }

  /// `relu` for `unary.relu`.
  private static func short(_ op: Op) -> String {
    if let conditional = op.as(Conditional.self) {
      return "if: \(conditional.then.nodes.count) nodes, else \(conditional.otherwise.nodes.count)"
    }
    return op.is(Unary.self) || op.is(Binary.self)
      ? op.name.split(separator: ".").last.map(String.init) ?? op.name : op.name
  }
}

extension OperatorFamily {
  fileprivate var style: String {
    switch self {
    case .linear: "linear"
    case .window: "window"
    case .elementwise: "element"
    case .movement: "move"
    case .control: "control"
    }
  }
}
