import ModelGraph
import Tensors

/// The number added to each score of attention: [batch, heads, queries, keys], or a shape that broadcasts to it.
struct AttentionBias {
  var value: ValueID
  /// True if a query may be left without keys, so that all its numbers are −∞.
  var mayExcludeAll: Bool
}

/// The keys that each query attends to. Queries are at the positions `offset`, `offset` + 1, …; keys at 0, 1, ….
struct AttentionSpan {
  /// Queries and keys, [batch, heads, positions, size].
  var query: ValueID
  var key: ValueID
  /// The position of the first query: one number, or one a batch as [batch, 1, 1, 1]; 0 if it is left out.
  var offset: ValueID?
  /// The largest distance from a query to a key before it, and to one after it.
  var before: Int?
  var after: Int?
  /// The number of keys that are there, one a batch, as [batch, 1, 1, 1].
  var lengths: ValueID?
}

extension NodeImport {
  /// The numbers 0, 1, … up to a count, which is a list of one number.
  func positions(_ count: ValueID, _ suffix: String) throws -> ValueID {
    let (zero, one) = (try constant([0], suffix + "First"), try constant([1], suffix + "Step"))
    return intermediate(.range, [zero, count, one], suffix)
  }

  /// True for each key that a query attends to; `nil` if it attends to all.
  func allowed(_ span: AttentionSpan) throws -> ValueID? {
    guard span.before != nil || span.after != nil || span.lengths != nil else { return nil }
    let keys = try positions(size(2, of: span.key, "keyCount"), "keyPositions")
    var conditions: [ValueID] = []
    if span.before != nil || span.after != nil {
      let numbers = try positions(size(2, of: span.query, "queryCount"), "queryNumbers")
      var own = try unsqueezed(numbers, [1], "queryColumn")
      if let offset = span.offset { own = binary(.add, own, offset, "queryPositions") }
      if let after = span.after {
        var last = own
        if after != 0 {
          last = binary(.add, own, try constant([min(after, Self.largest)], "after"), "lastKey")
        }
        conditions.append(binary(.lessOrEqual, keys, last, "notAfter"))
      }
      if let before = span.before {
        var first = own
        if before != 0 {
          first = binary(.subtract, own, try constant([min(before, Self.largest)], "before"), "firstKey")
        }
        conditions.append(binary(.greaterOrEqual, keys, first, "notBefore"))
      }
    }
    if let lengths = span.lengths { conditions.append(binary(.less, keys, lengths, "isThere")) }
    return conditions.dropFirst().reduce(conditions[0]) { binary(.and, $0, $1, "allowed") }
  }

  /// The bias that leaves out the keys outside `span` and those that `mask` excludes: a mask of booleans excludes where
  /// it is false, one of numbers is added.
  /// - Parameters:
  ///   - excluded: the bias of a key that is left out.
  ///   - model: a value of the element type that scores have.
  func attentionBias(
    _ span: AttentionSpan, mask: ValueID?, excluded: Double = -.infinity, like model: ValueID
  ) throws -> AttentionBias? {
    var allowed = try allowed(span)
    var added: ValueID?
    if let mask {
      guard let type = elementType(mask), let wide = elementType(model) else {
        throw UnsupportedForm(reason: "the element type of its mask cannot be told from the file")
      }
      let numbers = type == .bool ? mask : converted(mask, to: wide, "wideMask")
      let padded = try paddedMask(numbers, to: span.key)
      if type == .bool {
        allowed = allowed.map { binary(.and, $0, padded, "allowedByMask") } ?? padded
      } else {
        added = padded
      }
    }
    let mayExcludeAll =
      excluded == -.infinity && (mask != nil || span.lengths != nil || span.before != nil)
    guard let allowed else { return added.map { AttentionBias(value: $0, mayExcludeAll: mayExcludeAll) } }
    let none = try constant(excluded, like: model, "excluded")
    let bias = intermediate(
      .select, [allowed, try added ?? constant(0, like: model, "noBias"), none], "bias")
    return AttentionBias(value: bias, mayExcludeAll: mayExcludeAll)
  }

  /// A mask for fewer keys than there are leaves out the last ones.
  private func paddedMask(_ mask: ValueID, to keys: ValueID) throws -> ValueID {
    guard let rank = rank(mask), rank > 0 else {
      throw UnsupportedForm(reason: "a mask whose number of axes cannot be told from the file")
    }
    if haveSameSize(-1, of: mask, 2, of: keys) { return mask }
    if let wanted = knownSize(2, of: keys), let given = knownSize(rank - 1, of: mask), given > wanted {
      throw malformed("has a mask of \(given) keys for \(wanted)")
    }
    let missing = binary(
      .subtract, size(2, of: keys, "wantedKeys"), size(rank - 1, of: mask, "maskKeys"), "missingKeys")
    let amounts = concatenated([try constant([0], "noPadding"), missing], "maskPadding")
    let value = elementType(mask) == .bool ? nil : try constant(-Double.infinity, like: mask, "maskValue")
    return intermediate(
      .pad(.constant), [mask, amounts, value, try constant([-1], "maskAxis")], "paddedMask")
  }
}
