import ModelGraph
import Tensors

extension OperatorImport {
  /// Attention of onnxruntime (`com.microsoft`), as its optimiser and exporters of language models write it:
  /// `https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md`.
  static let microsoftAttentionOperators: [String: OperatorImport] = [
    "Attention": OperatorImport(2...7, microsoftAttention),
    "MultiHeadAttention": OperatorImport(1...10, multiHeadAttention),
    "GroupQueryAttention": OperatorImport(1...16, groupQueryAttention),
    "RotaryEmbedding": OperatorImport(4...4, microsoftRotaryEmbedding),
    "SkipLayerNormalization": OperatorImport(3...5, skipLayerNormalization),
    "SkipSimplifiedLayerNormalization": OperatorImport(3...4, skipSimplifiedLayerNormalization),
    "SimplifiedLayerNormalization": OperatorImport(2...2, simplifiedLayerNormalization),
    "EmbedLayerNormalization": OperatorImport(1...9, embedLayerNormalization),
  ]

  /// x, the weights of query, key and value side by side, their bias, mask, past keys and values, bias of scores.
  private static func microsoftAttention(_ node: NodeImport) throws {
    guard try !node.flag("do_rotary") else { throw NodeImport.UnsupportedForm(reason: "do_rotary = 1") }
    node.ignore("rotary_embedding_dim")
    guard try !node.flag("past_present_share_buffer"), node.optional(6) == nil else {
      throw NodeImport.UnsupportedForm(reason: "a buffer that past and present share")
    }
    let heads = try node.integer("num_heads", in: 1...NodeImport.largest)
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    let operands = try [0, 1].map { node.converted(try node.operand($0), to: wide, "wide\($0)") }
    let bias = node.optional(2).map { node.converted($0, to: wide, "wideBias") }
    let all = node.intermediate(.matrixMultiply(MatrixMultiply()), operands + [bias], "projected")
    let sizes = try projectionSizes(node)
    let parts = try node.parts(of: all, axis: 2, sizes: sizes, ["queryPart", "keyPart", "valuePart"])
    var products = AttentionProducts(
      query: try node.headsFirst(parts[0], heads, "query"), key: try node.headsFirst(parts[1], heads, "key"),
      value: try node.headsFirst(parts[2], heads, "value"))
    var pastCount: ValueID?
    if let past = node.optional(4) {
      let halves = try node.parts(of: past, axis: 0, ["pastKeys", "pastValues"]).map { half in
        let single = node.intermediate(.squeeze, [half, try node.constant([0], "pastAxis")], "past")
        return node.converted(single, to: wide, "widePast")
      }
      products.key = node.intermediate(.concat(axis: 2), [halves[0], products.key], "presentKey")
      products.value = node.intermediate(.concat(axis: 2), [halves[1], products.value], "presentValue")
      pastCount = node.size(2, of: halves[0], "pastCount")
    }
    if node.wants(1) {
      let pair = try [products.key, products.value].map { try node.unsqueezed($0, [0], "half") }
      try node.emit(result: 1, node.concatenated(pair, "present"), as: own)
    }
    products.scale = try node.microsoftScale()
    products.bias = try node.microsoftBias(
      mask: node.optional(3), added: node.optional(5), past: pastCount, products)
    try node.emit(result: 0, try node.headsLast(try products.lower(node).result, "flat"), as: own)
  }

  /// The sizes of query, key and value in the projection; `nil` for thirds.
  private static func projectionSizes(_ node: NodeImport) throws -> [Int]? {
    try node.integers("qkv_hidden_sizes", in: 1...NodeImport.largest, count: 3)
  }

  /// Query, key, value, their bias, the mask of keys, the bias of scores, past keys and values.
  private static func multiHeadAttention(_ node: NodeImport) throws {
    guard node.optional(8) == nil, node.optional(9) == nil else {
      throw NodeImport.UnsupportedForm(reason: "a buffer that past and present share")
    }
    guard !node.wants(3) else { throw NodeImport.UnsupportedForm(reason: "its scores as a result") }
    let heads = try node.integer("num_heads", in: 1...NodeImport.largest)
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    var parts = try multiHeadOperands(node, heads, wide)
    var pastCount: ValueID?
    if let pastKey = node.optional(6), let pastValue = node.optional(7) {
      let past = [pastKey, pastValue].map { node.converted($0, to: wide, "widePast") }
      parts[1] = node.intermediate(.concat(axis: 2), [past[0], parts[1]], "presentKey")
      parts[2] = node.intermediate(.concat(axis: 2), [past[1], parts[2]], "presentValue")
      pastCount = node.size(2, of: pastKey, "pastCount")
    } else if node.optional(6) != nil || node.optional(7) != nil {
      throw node.malformed("has a past key or a past value, which belong together")
    }
    if node.wants(1) { try node.emit(result: 1, parts[1], as: own) }
    if node.wants(2) { try node.emit(result: 2, parts[2], as: own) }
    var products = AttentionProducts(query: parts[0], key: parts[1], value: parts[2])
    products.scale = try node.microsoftScale()
    products.bias = try node.microsoftBias(
      mask: node.optional(4), added: node.optional(5), past: pastCount, products)
    try node.emit(result: 0, try node.headsLast(try products.lower(node).result, "flat"), as: own)
  }

  /// Query, key and value as [batch, heads, positions, size]: packed along an axis of their own, or apart.
  private static func multiHeadOperands(_ node: NodeImport, _ heads: Int, _ wide: ElementType) throws
    -> [ValueID]
  {
    let names = ["query", "key", "value"]
    let operands = (0..<3).map { index in
      node.optional(index).map { node.converted($0, to: wide, names[index] + "Wide") }
    }
    func unpacked(_ x: ValueID, _ names: [String]) throws -> [ValueID] {
      guard node.optional(3) == nil else {
        throw NodeImport.UnsupportedForm(reason: "a bias of packed operands")
      }
      return try node.parts(of: x, axis: 3, names.map { $0 + "Packed" }).enumerated().map { index, part in
        let single = node.intermediate(
          .squeeze, [part, try node.constant([3], "packedAxis")], names[index] + "Part")
        return node.intermediate(.transpose(permutation: [0, 2, 1, 3]), [single], names[index])
      }
    }
    guard let query = operands[0] else { throw node.malformed("lacks its query") }
    if node.rank(query) == 5 { return try unpacked(query, names) }
    guard let key = operands[1] else { throw node.malformed("lacks its key") }
    let biases = try multiHeadBiases(node, query, operands[2] ?? key, wide)
    func part(_ x: ValueID, _ index: Int) throws -> ValueID {
      switch node.rank(x) {
      case 4: return x
      case 3:
        let sum = biases.map { node.binary(.add, x, $0[index], names[index] + "Biased") } ?? x
        return try node.headsFirst(sum, heads, names[index])
      default: throw NodeImport.UnsupportedForm(reason: "operands whose form cannot be told from the file")
      }
    }
    let first = try part(query, 0)
    if node.rank(key) == 5 { return try [first] + unpacked(key, ["key", "value"]) }
    guard let value = operands[2] else { throw node.malformed("lacks its value") }
    return [first, try part(key, 1), try part(value, 2)]
  }

  /// The biases of query, key and value, which lie one behind the other.
  private static func multiHeadBiases(
    _ node: NodeImport, _ query: ValueID, _ value: ValueID, _ wide: ElementType
  ) throws -> [ValueID]? {
    guard let bias = node.optional(3) else { return nil }
    guard let hidden = node.knownSize(2, of: query), let all = node.knownSize(0, of: bias) else {
      throw NodeImport.UnsupportedForm(reason: "a bias whose parts cannot be told from the file")
    }
    let (rest, overflow) = all.subtractingReportingOverflow(hidden)
    guard !overflow, rest > hidden else { throw node.malformed("has a bias of \(all) numbers for \(hidden)") }
    return try node.parts(
      of: node.converted(bias, to: wide, "wideBias"), axis: 0, sizes: [hidden, hidden, rest - hidden],
      ["queryBias", "keyBias", "valueBias"])
  }
}
