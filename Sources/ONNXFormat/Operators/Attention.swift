import ModelGraph
import Tensors

extension OperatorImport {
  /// Attention and the operators around it.
  static let attentionOperators: [String: OperatorImport] = [
    "Attention": OperatorImport(3...7, since: 23, attention),
    "RotaryEmbedding": OperatorImport(3...4, since: 23, rotaryEmbedding),
    "LinearAttention": OperatorImport(3...6, since: 27, linearAttention),
    "CausalConvWithState": OperatorImport(2...4, since: 27, causalConvolution),
    "SwiGLU": OperatorImport(2...2, since: 28) { node in
      let alpha = try node.float("alpha", default: 1)
      try node.emitInFloats([try node.operand(0), try node.operand(1)]) { operands in
        (.binary(.multiply), [try node.swish(operands[0], alpha: alpha), operands[1]])
      }
    },
    // Optimised models have it in opsets before 17, where ONNX does not define it yet.
    "LayerNormalization": OperatorImport(2...3, since: 7, layerNormalization),
    // onnxruntime's name of RMSNormalization, in ONNX's own domain.
    "SimplifiedLayerNormalization": OperatorImport(2...2, simplifiedLayerNormalization),
  ]

  /// Operators that ONNX does not promise to keep (`ai.onnx.preview`).
  static let previewOperators: [String: OperatorImport] = [
    "FlexAttention": OperatorImport(3...3, flexAttention)
  ]

  /// `https://onnx.ai/onnx/operators/onnx__Attention.html`: query, key, value, mask, past key and value, lengths of keys.
  private static func attention(_ node: NodeImport) throws {
    if node.opset < 24, node.operands.count > 6 {
      throw node.malformed("has lengths of keys before opset 24")
    }
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    let valueType = try node.realTypes(of: try node.operand(2)).own
    let operands = try attentionHeads(node)
    let pastKey = node.optional(4)
    guard (pastKey == nil) == (node.optional(5) == nil) else {
      throw node.malformed("has a past key or a past value, which belong together")
    }
    var (key, value) = (operands[1], operands[2])
    if let pastKey, let pastValue = node.optional(5) {
      key = node.intermediate(.concat(axis: 2), [pastKey, key], "presentKey")
      value = node.intermediate(.concat(axis: 2), [pastValue, value], "presentValue")
    }
    if node.wants(1) { try node.emit(result: 1, key, as: own) }
    if node.wants(2) { try node.emit(result: 2, value, as: valueType) }
    var products = AttentionProducts(
      query: node.converted(operands[0], to: wide, "wideQuery"),
      key: node.converted(key, to: wide, "wideKey"), value: node.converted(value, to: wide, "wideValue"))
    products.scale = try node.float("scale")
    products.softcap = try node.float("softcap", default: 0)
    products.precision = try softmaxPrecision(node)
    let span = try attentionSpan(node, products)
    products.bias = try node.attentionBias(span, mask: node.optional(3), like: products.query)
    let stages: [Int: AttentionProducts.Stage] = [0: .scores, 1: .capped, 2: .biased, 3: .probabilities]
    let mode = try node.integer("qk_matmul_output_mode", in: 0...3, default: 0)
    if node.wants(3) { products.observed = stages[mode] }
    let (result, observed) = try products.lower(node)
    if let observed { try node.emit(result: 3, observed, as: own) }
    let isFlat = node.rank(try node.operand(0)) == 3
    try node.emit(result: 0, isFlat ? try node.headsLast(result, "flat") : result, as: own)
  }

  /// Query, key and value as [batch, heads, positions, size].
  private static func attentionHeads(_ node: NodeImport) throws -> [ValueID] {
    let operands = try (0..<3).map(node.operand)
    let counts = try ["q_num_heads", "kv_num_heads"].map { name in
      node.has(name) ? try node.integer(name, in: 1...NodeImport.largest) : nil
    }
    switch node.rank(operands[0]) {
    case 4: return operands
    case 3:
      guard let queryHeads = counts[0], let keyHeads = counts[1] else {
        throw node.malformed("has operands of 3 axes without q_num_heads and kv_num_heads")
      }
      let heads = [queryHeads, keyHeads, keyHeads]
      return try zip(zip(operands, heads), ["query", "key", "value"]).map { operand, name in
        try node.headsFirst(operand.0, operand.1, name)
      }
    case nil: throw NodeImport.UnsupportedForm(reason: "operands whose rank cannot be told from the file")
    case let rank?: throw node.malformed("has operands of \(rank) axes; it takes 3 or 4")
    }
  }

  private static func attentionSpan(_ node: NodeImport, _ products: AttentionProducts) throws -> AttentionSpan
  {
    var span = AttentionSpan(query: products.query, key: products.key)
    if try node.flag("is_causal") { span.after = 0 }
    if node.opset >= 25 {
      let bounds = -1...Int.max
      let left = try node.integer("left_window_size", in: bounds, default: -1)
      let right = try node.integer("right_window_size", in: bounds, default: -1)
      if left >= 0 { span.before = left }
      if right >= 0 { span.after = min(span.after ?? right, right) }
    }
    if let lengths = node.optional(6) {
      guard node.optional(4) == nil else { throw node.malformed("has lengths of keys and past keys") }
      let column = try node.unsqueezed(lengths, [1, 2, 3], "lengths")
      span.lengths = column
      let queries = node.size(2, of: products.query, "newCount")
      span.offset = node.binary(.subtract, column, queries, "offset")
    } else if let past = node.optional(4) {
      span.offset = node.size(2, of: past, "pastCount")
    }
    return span
  }

  /// Softmax is computed as precisely as asked for, or more precisely.
  static func softmaxPrecision(_ node: NodeImport) throws -> ElementType? {
    guard let code = try node.integer("softmax_precision") else { return nil }
    let types: [Int: ElementType] = [1: .float32, 10: .float16, 11: .float64, 16: .bfloat16]
    guard let type = types[code] else {
      throw node.malformed("has \(code) for 'softmax_precision', which is no floating-point type")
    }
    return type
  }
}
