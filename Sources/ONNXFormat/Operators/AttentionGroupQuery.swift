import ModelGraph
import Tensors

extension OperatorImport {
  /// onnxruntime's `GroupQueryAttention`: query, key, value, past key and value, the length of each sequence less one, the
  /// largest length, cosines, sines, positions, the bias of scores, sinks.
  static func groupQueryAttention(_ node: NodeImport) throws {
    try checkGroupQueryForm(node)
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    var (query, key, value) = try groupQueryOperands(node, wide)
    let cache = try GroupQueryCache(node, query: query)
    if try node.flag("do_rotary") {
      let rotation = try groupQueryRotation(node, cache, query)
      query = try rotation.apply(query, headsLast: false, node, "rotatedQuery")
      key = try rotation.apply(key, headsLast: false, node, "rotatedKey")
    }
    key = try cache.present(node, past: node.optional(3), new: key, "presentKey")
    value = try cache.present(node, past: node.optional(4), new: value, "presentValue")
    if node.wants(1) { try node.emit(result: 1, key, as: own) }
    if node.wants(2) { try node.emit(result: 2, value, as: own) }
    var products = AttentionProducts(query: query, key: key, value: value)
    products.scale = try node.microsoftScale()
    products.softcap = try node.float("softcap", default: 0)
    var span = AttentionSpan(query: query, key: key)
    let window = try node.integer("local_window_size", default: -1)
    span.offset = try node.unsqueezed(cache.pastLengths, [1, 2, 3], "offset")
    if window > 0 { span.before = window - 1 }
    if try node.flag("causal", default: true) {
      span.after = 0
    } else {
      span.lengths = try node.unsqueezed(cache.lengths, [1, 2, 3], "lengths")
    }
    products.bias = try node.attentionBias(span, mask: node.optional(10), like: query)
    // A query attends to itself at least.
    products.bias?.mayExcludeAll = false
    products.sink = try groupQuerySink(node, wide)
    try node.emit(result: 0, try node.headsLast(try products.lower(node).result, "flat"), as: own)
  }

  private static func checkGroupQueryForm(_ node: NodeImport) throws {
    node.ignore("kv_cache_bit_width", "qk_output")
    let quantized = try ["k_quant_type", "v_quant_type"].contains { try (node.text($0) ?? "NONE") != "NONE" }
    guard !quantized, node.optional(12) == nil, node.optional(13) == nil else {
      throw NodeImport.UnsupportedForm(reason: "quantised keys and values")
    }
    guard try !node.flag("sliding_window_cache") else {
      throw NodeImport.UnsupportedForm(reason: "sliding_window_cache = 1")
    }
    guard !node.wants(3) else { throw NodeImport.UnsupportedForm(reason: "its scores as a result") }
    guard (node.optional(3) == nil) == (node.optional(4) == nil) else {
      throw node.malformed("has a past key or a past value, which belong together")
    }
  }

  /// Query, key and value as [batch, heads, positions, size]; they may be packed side by side in the first operand.
  private static func groupQueryOperands(_ node: NodeImport, _ wide: ElementType) throws
    -> (ValueID, ValueID, ValueID)
  {
    let queryHeads = try node.integer("num_heads", in: 1...NodeImport.largest)
    let keyHeads = try node.integer("kv_num_heads", in: 1...NodeImport.largest)
    let epsilon = try node.float("qk_norm_epsilon", default: 1e-6)
    var parts: [ValueID]
    if let key = node.optional(1), let value = node.optional(2) {
      parts = [try node.operand(0), key, value]
    } else {
      let packed = try node.operand(0)
      guard node.optional(1) == nil, node.optional(2) == nil else {
        throw node.malformed("has a key or a value, which belong together")
      }
      guard let width = node.knownSize(2, of: packed) else {
        throw NodeImport.UnsupportedForm(reason: "packed operands whose width cannot be told from the file")
      }
      // No overflow: the counts of heads fit 31 bits.
      let size = width / (queryHeads + 2 * keyHeads)
      guard size > 0, width % (queryHeads + 2 * keyHeads) == 0 else {
        throw node.malformed("has \(width) numbers for \(queryHeads) heads and twice \(keyHeads)")
      }
      let sizes = [queryHeads * size, keyHeads * size, keyHeads * size]
      parts = try node.parts(of: packed, axis: 2, sizes: sizes, ["queryPart", "keyPart", "valuePart"])
    }
    let heads = [queryHeads, keyHeads, keyHeads]
    let names = ["query", "key", "value"]
    parts = try parts.enumerated().map { index, x in
      var part = try node.splitHeads(
        node.converted(x, to: wide, names[index] + "Wide"), heads[index], names[index])
      if index < 2, let scale = node.optional(14 + index) {
        part = try node.rootMeanSquare(part, scale, axis: -1, epsilon, names[index]).value
      }
      return node.intermediate(.transpose(permutation: [0, 2, 1, 3]), [part], names[index] + "Heads")
    }
    return (parts[0], parts[1], parts[2])
  }

  private static func groupQueryRotation(_ node: NodeImport, _ cache: GroupQueryCache, _ query: ValueID)
    throws
    -> Rotation
  {
    guard let cosines = node.optional(7), let sines = node.optional(8) else {
      throw node.malformed("lacks the cosines or sines of its rotation")
    }
    guard let pairs = node.knownSize(1, of: cosines), pairs <= NodeImport.largest else {
      throw NodeImport.UnsupportedForm(reason: "cosines whose number cannot be told from the file")
    }
    let positions: ValueID
    if let given = node.optional(9) {
      positions = given
    } else {
      let numbers = try node.positions(node.size(2, of: query, "newCount"), "newNumbers")
      let column = try node.unsqueezed(cache.pastLengths, [1], "firstPositions")
      positions = node.binary(.add, column, numbers, "positions")
    }
    func rows(_ table: ValueID, _ suffix: String) -> ValueID {
      node.intermediate(.gather(axis: 0), [table, positions], suffix)
    }
    return Rotation(
      cosine: rows(cosines, "cosines"), sine: rows(sines, "sines"),
      interleaved: try node.flag("rotary_interleaved"), width: 2 * pairs)
  }

  private static func groupQuerySink(_ node: NodeImport, _ wide: ElementType) throws -> ValueID? {
    let isSmooth = try node.integer("smooth_softmax", default: 0) > 0
    if let sink = node.optional(11) {
      return try node.reshaped(node.converted(sink, to: wide, "wideSink"), [1, -1, 1, 1], "sink")
    }
    return isSmooth
      ? try node.constant(0, like: node.converted(try node.operand(0), to: wide, "sinkType"), "sink") : nil
  }
}

/// The keys and values of a `GroupQueryAttention`. Sequences differ in length; the new positions of each follow its own past,
/// whatever the room for the past is.
private struct GroupQueryCache {
  /// The numbers of positions in each sequence, all and past.
  let lengths: ValueID
  let pastLengths: ValueID
  private let newCount: ValueID
  private let total: ValueID

  init(_ node: NodeImport, query: ValueID) throws {
    newCount = node.size(2, of: query, "newCount")
    let given = node.converted(try node.operand(5), to: .int64, "lengthsLessOne")
    let list = try node.reshaped(given, [-1], "lengthList")
    lengths = node.binary(.add, list, try node.constant([1], "one"), "sequenceLengths")
    let past = node.binary(.subtract, lengths, newCount, "pastOrLess")
    pastLengths = node.binary(.maximum, past, try node.constant([0], "noPast"), "pastLengths")
    total = try node.reshaped(node.converted(try node.operand(6), to: .int64, "totalWide"), [1], "total")
  }

  /// Past and new positions of each sequence, one behind the other; positions after the end repeat others.
  func present(_ node: NodeImport, past: ValueID?, new: ValueID, _ suffix: String) throws -> ValueID {
    var (all, room, count) = (new, try node.constant([0], suffix + "NoRoom"), total)
    if let past, let type = node.elementType(new) {
      room = node.size(2, of: past, suffix + "Room")
      all = node.intermediate(
        .concat(axis: 2), [node.converted(past, to: type, suffix + "Past"), new], suffix + "Parts")
      count = node.binary(.maximum, room, total, suffix + "Count")
    }
    let row = try node.unsqueezed(pastLengths, [1], suffix + "PastRow")
    let numbers = try node.positions(count, suffix + "Numbers")
    let moved = node.binary(
      .add, node.binary(.subtract, numbers, row, suffix + "Offsets"), room, suffix + "Moved")
    let isPast = node.binary(.less, numbers, row, suffix + "IsPast")
    let chosen = node.intermediate(.select, [isPast, numbers, moved], suffix + "Chosen")
    let last = node.binary(
      .subtract, node.size(2, of: all, suffix + "Size"), try node.constant([1], suffix + "One"),
      suffix + "Last")
    let indices = try node.unsqueezed(
      node.binary(.minimum, chosen, last, suffix + "Bounded"), [1, 3], suffix + "Indices")
    let heads = node.intermediate(.shape(start: 0, end: 2), [new], suffix + "Heads")
    let shape = node.concatenated(
      [heads, count, try node.constant([1], suffix + "Single")], suffix + "Shape")
    let expanded = node.intermediate(.expand, [indices, shape], suffix + "HeadIndices")
    return node.intermediate(.gatherND(batchDimensions: 2), [all, expanded], suffix)
  }
}
