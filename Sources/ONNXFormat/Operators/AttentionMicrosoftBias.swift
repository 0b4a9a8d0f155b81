import ModelGraph

extension NodeImport {
  /// The attribute `scale`, where 0 is the default as well.
  func microsoftScale() throws -> Double? {
    let scale = try float("scale", default: 0)
    return scale == 0 ? nil : scale
  }

  /// The bias of onnxruntime's attention: finite numbers for keys that the mask leaves out, and for those after a query.
  func microsoftBias(
    mask: ValueID?, added: ValueID?, past: ValueID?, _ products: AttentionProducts
  ) throws -> AttentionBias? {
    let (model, filter) = (products.query, try float("mask_filter_value", default: -10000))
    var bias: ValueID?
    if let mask {
      let kept = try keptKeys(mask, products)
      bias = intermediate(
        .select,
        [kept, try constant(0, like: model, "kept"), try constant(filter, like: model, "filter")], "maskBias")
    }
    if try flag("unidirectional") {
      var span = AttentionSpan(query: products.query, key: products.key)
      (span.after, span.offset) = (0, past)
      if let allowed = try allowed(span) {
        let lowest = try constant(Double(-Float.greatestFiniteMagnitude), like: model, "lowest")
        bias = intermediate(
          .select, [allowed, try bias ?? constant(0, like: model, "noBias"), lowest], "causalBias")
      }
    }
    if let added, let type = elementType(model) {
      let wide = converted(added, to: type, "addedBias")
      bias = bias.map { binary(.add, $0, wide, "sumOfBiases") } ?? wide
    }
    return bias.map { AttentionBias(value: $0, mayExcludeAll: false) }
  }

  /// True for the keys that a mask of integers keeps: one a key, one a query and key, or the lengths of each sequence.
  private func keptKeys(_ mask: ValueID, _ products: AttentionProducts) throws -> ValueID {
    switch rank(mask) {
    case 1: return try keysWithin(mask, products)
    case 2, 3:
      let kept = binary(.greater, mask, try constant(0, like: mask, "none"), "keptKeys")
      return try unsqueezed(kept, rank(mask) == 2 ? [1, 2] : [1], "keptKeysOfAll")
    default: throw UnsupportedForm(reason: "a mask of this number of axes")
    }
  }

  /// The keys before the end of each sequence and, if the list is twice as long, from its start on.
  private func keysWithin(_ bounds: ValueID, _ products: AttentionProducts) throws -> ValueID {
    let keys = try positions(size(2, of: products.key, "maskedCount"), "maskedPositions")
    func column(_ x: ValueID, _ suffix: String) throws -> ValueID {
      try unsqueezed(converted(x, to: .int64, suffix + "Wide"), [1, 2, 3], suffix)
    }
    if haveSameSize(0, of: bounds, 0, of: products.query) {
      return binary(.less, keys, try column(bounds, "ends"), "beforeEnd")
    }
    guard let count = knownSize(0, of: bounds), let batch = knownSize(0, of: products.query),
      count / 2 == batch,
      count % 2 == 0
    else { throw UnsupportedForm(reason: "a mask whose form cannot be told from the file") }
    let halves = try parts(of: bounds, axis: 0, ["maskEnds", "maskStarts"])
    let beforeEnd = binary(.less, keys, try column(halves[0], "ends"), "beforeEnd")
    let fromStart = binary(.greaterOrEqual, keys, try column(halves[1], "starts"), "fromStart")
    return binary(.and, beforeEnd, fromStart, "within")
  }
}
