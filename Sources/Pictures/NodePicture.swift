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
    style = NodePicture.style(of: node.op)
  }

  /// `relu` for `unary.relu`.
  private static func short(_ op: Op) -> String {
    switch op {
    case .unary, .binary: op.name.split(separator: ".").last.map(String.init) ?? op.name
    case .conditional(let then, let otherwise): "if: \(then.nodes.count) nodes, else \(otherwise.nodes.count)"
    default: op.name
    }
  }

  private static func style(of op: Op) -> String {
    switch op {
    case .convolution, .deconvolution, .matrixMultiply, .lstm, .gru: "linear"
    case .pool, .batchNormalization, .layerNormalization, .instanceNormalization, .groupNormalization,
      .localResponseNormalization, .softmax, .logSoftmax, .reduce, .argumentOf, .topK, .cumulativeSum,
      .resize:
      "window"
    case .unary, .binary, .select, .cast: "element"
    case .conditional: "control"
    default: "move"
    }
  }
}
