import ModelGraph
import Tensors

extension OperatorImport {
  /// `https://onnx.ai/onnx/operators/onnx__LinearAttention.html`
  static func linearAttention(_ node: NodeImport) throws {
    // The size of chunks affects only the speed.
    node.ignore("chunk_size")
    let rules: [String: LinearAttention.Rule] = [
      "linear": .linear, "gated": .gated, "delta": .delta, "gated_delta": .gatedDelta,
    ]
    let rule = try node.choice("update_rule", default: "gated_delta", rules)
    for (index, name, isNeeded) in [(4, "decay", rule.isGated), (5, "beta", rule.isDelta)] {
      guard (node.optional(index) != nil) == isNeeded else {
        throw node.malformed("\(isNeeded ? "lacks" : "has") the operand '\(name)'")
      }
    }
    let scale = try node.float("scale", default: 0)
    let op = LinearAttention(
      queryHeads: try node.integer("q_num_heads", in: 1...NodeImport.largest),
      keyHeads: try node.integer("kv_num_heads", in: 1...NodeImport.largest), rule: rule,
      scale: scale == 0 ? nil : scale)
    guard op.queryHeads % op.keyHeads == 0 else {
      throw node.malformed("has \(op.queryHeads) heads of queries for \(op.keyHeads) of keys")
    }
    try node.emit(.linearAttention(op), node.operands)
  }

  /// `https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html`: x, w, bias, state. A convolution of each channel with
  /// itself, of the state and x behind it; the new state is the end of both.
  static func causalConvolution(_ node: NodeImport) throws {
    let (x, weights) = (try node.operand(0), try node.operand(1))
    let isSwish = try node.choice(
      "activation", default: "none", ["none": false, "silu": true, "swish": true])
    guard let channels = node.knownSize(0, of: weights), let width = node.knownSize(2, of: weights) else {
      throw NodeImport.UnsupportedForm(reason: "weights whose shape cannot be told from the file")
    }
    guard channels > 0, width > 0 else { throw node.malformed("has no weights") }
    let sequence: ValueID
    if let state = node.optional(3) {
      sequence = node.intermediate(.concat(axis: 2), [state, x], "sequence")
    } else if width == 1 {
      sequence = x
    } else {
      let amounts = try node.constant([0, 0, width - 1, 0, 0, 0], "padding")
      sequence = node.intermediate(.pad(.constant), [x, amounts], "sequence")
    }
    if node.wants(1) {
      let (start, count) = (node.size(2, of: x, "length"), try node.constant([width - 1], "kept"))
      let end = node.binary(.add, start, count, "end")
      try node.emit(result: 1, .slice, [sequence, start, end, try node.constant([2], "axis")])
    }
    let convolution = Op.convolution(
      Convolution(strides: [1], dilations: [1], padding: .explicit([0, 0]), groups: channels))
    guard isSwish else {
      return try node.emit(result: 0, convolution, [sequence, weights, node.optional(2)])
    }
    let result = node.intermediate(convolution, [sequence, weights, node.optional(2)], "convolution")
    try node.emit(result: 0, .unary(.silu), [result])
  }
}
