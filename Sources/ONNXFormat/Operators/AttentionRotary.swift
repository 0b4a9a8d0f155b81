import ModelGraph
import Tensors

/// Rotation of pairs of numbers in each head by angles that depend on the position.
struct Rotation {
  /// Cosines and sines, [batch or 1, positions, pairs].
  var cosine: ValueID
  var sine: ValueID
  /// True if neighbours are a pair; else the first half pairs with the second.
  var interleaved: Bool
  /// The numbers of a head that are rotated; `nil` for all.
  var width: Int?

  /// Rotates `x`, [batch, heads, positions, size] or, if `headsLast`, [batch, positions, heads, size]. Halves are rotated
  /// as floats.
  func apply(_ x: ValueID, headsLast: Bool, _ node: NodeImport, _ suffix: String) throws -> ValueID {
    let (own, wide) = try node.realTypes(of: x)
    let x = node.converted(x, to: wide, suffix + "Wide")
    var rotated = x
    var rest: ValueID?
    if let width, node.knownSize(3, of: x) != width {
      rotated = try node.sliced(x, 0, width, axis: 3, suffix + "Part")
      rest = try node.sliced(x, width, NodeImport.largest, axis: 3, suffix + "Rest")
    }
    let axes = (headsLast ? [2] : [1]) + (interleaved ? [4] : [])
    let cosine = try angles(self.cosine, axes, wide, node, suffix + "Cosine")
    let sine = try angles(self.sine, axes, wide, node, suffix + "Sine")
    if interleaved { rotated = try pairs(rotated, node, suffix) }
    let halves = try node.parts(of: rotated, axis: -1, [suffix + "First", suffix + "Second"])
    func product(_ half: Int, _ factor: ValueID, _ name: String) -> ValueID {
      node.binary(.multiply, halves[half], factor, suffix + name)
    }
    let real = node.binary(
      .subtract, product(0, cosine, "FirstCosine"), product(1, sine, "SecondSine"), suffix + "Real")
    let imaginary = node.binary(
      .add, product(0, sine, "FirstSine"), product(1, cosine, "SecondCosine"), suffix + "Imaginary")
    var result = node.intermediate(.concat(axis: -1), [real, imaginary], suffix + "Turned")
    if interleaved {
      result = try node.reshaped(
        result, [0, 0, 0, width ?? node.knownSize(3, of: x) ?? -1], suffix + "Joined")
    }
    if let rest { result = node.intermediate(.concat(axis: 3), [result, rest], suffix + "Whole") }
    return node.converted(result, to: own, suffix)
  }

  private func angles(
    _ x: ValueID, _ axes: [Int], _ type: ElementType, _ node: NodeImport, _ suffix: String
  ) throws -> ValueID {
    try node.unsqueezed(node.converted(x, to: type, suffix + "Wide"), axes, suffix)
  }

  /// [a, b, c, size] as [a, b, c, pairs, 2].
  private func pairs(_ x: ValueID, _ node: NodeImport, _ suffix: String) throws -> ValueID {
    let size = width ?? node.knownSize(3, of: x)
    if let size, size % 2 != 0 { throw node.malformed("rotates \(size) numbers, which are no pairs") }
    return try node.reshaped(x, [0, 0, 0, size.map { $0 / 2 } ?? -1, 2], suffix + "Pairs")
  }
}

extension OperatorImport {
  /// `https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html`: x, cosines, sines, positions.
  static func rotaryEmbedding(_ node: NodeImport) throws {
    var tables = [try node.operand(1), try node.operand(2)]
    if let positions = node.optional(3) {
      tables = zip(tables, ["cosines", "sines"]).map { table, name in
        node.intermediate(.gather(axis: 0), [table, positions], name)
      }
    }
    try rotated(node, tables, mayOmitHeads: false)
  }

  /// `com.microsoft`: x, positions, cosines, sines. One position is that of the first vector.
  static func microsoftRotaryEmbedding(_ node: NodeImport) throws {
    guard try !node.flag("is_packed_batching") else {
      throw NodeImport.UnsupportedForm(reason: "is_packed_batching = 1")
    }
    guard try node.float("scale", default: 1) == 1 else {
      throw NodeImport.UnsupportedForm(reason: "a scale")
    }
    let x = try node.operand(0)
    var positions = try node.operand(1)
    switch node.rank(positions) {
    case 2: break
    case 0, 1:
      let axis = node.rank(x) == 4 ? 2 : 1
      let numbers = try node.positions(node.size(axis, of: x, "count"), "numbers")
      let sum = node.binary(.add, numbers, node.converted(positions, to: .int64, "offset"), "positions")
      positions = try node.unsqueezed(sum, [0], "positionRow")
    case nil: throw NodeImport.UnsupportedForm(reason: "positions whose rank cannot be told from the file")
    case let rank?: throw node.malformed("has positions of \(rank) axes; it takes 1 or 2")
    }
    let tables = try zip([2, 3], ["cosines", "sines"]).map { index, name in
      node.intermediate(.gather(axis: 0), [try node.operand(index), positions], name)
    }
    try rotated(node, tables, mayOmitHeads: true)
  }

  private static func rotated(_ node: NodeImport, _ tables: [ValueID], mayOmitHeads: Bool) throws {
    let x = try node.operand(0)
    let width = try node.integer("rotary_embedding_dim", in: 0...NodeImport.largest, default: 0)
    if width % 2 != 0 { throw node.malformed("rotates \(width) numbers, which are no pairs") }
    let rotation = Rotation(
      cosine: tables[0], sine: tables[1], interleaved: try node.flag("interleaved"),
      width: width == 0 ? nil : width)
    let heads = try node.integer("num_heads", in: 0...NodeImport.largest, default: 0)
    switch node.rank(x) {
    case 4: try node.emit(.identity, [try rotation.apply(x, headsLast: false, node, "rotated")])
    case 3:
      let split: ValueID
      if heads > 0 {
        split = try node.splitHeads(x, heads, "heads")
      } else if mayOmitHeads, let pairs = node.knownSize(-1, of: tables[0]), pairs > 0,
        pairs <= NodeImport.largest
      {
        split = try node.reshaped(x, [0, 0, -1, 2 * pairs], "heads")
      } else {
        throw node.malformed("has an operand of 3 axes without num_heads")
      }
      let result = try rotation.apply(split, headsLast: true, node, "rotated")
      let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
      try node.emit(.reshape(allowZero: true), [result, shape])
    case nil: throw NodeImport.UnsupportedForm(reason: "an operand whose rank cannot be told from the file")
    case let rank?: throw node.malformed("has an operand of \(rank) axes; it takes 3 or 4")
    }
  }
}
