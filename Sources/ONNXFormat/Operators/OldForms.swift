import ModelGraph
import Tensors

/// Forms that opsets 1 to 6 have, and newer ones do not.
extension NodeImport {
  /// Both operands of a function of two elements. Before opset 7 the second one's axes are those of the first from `axis` on,
  /// or the last ones, if `broadcast` is set.
  func broadcastOperands() throws -> [ValueID?] {
    guard opset < 7 else { return operands }
    let axis = try integer("axis")
    guard try flag("broadcast"), let axis else { return operands }
    let (x, y) = (try operand(0), try operand(1))
    guard let rank = rank(x), let other = self.rank(y) else {
      throw UnsupportedForm(
        reason: "an axis to broadcast along, of values whose ranks cannot be told from the file")
    }
    // One element is broadcast along all axes.
    if graph.type(of: y)?.shape?.elementCount == 1, other <= rank { return operands }
    let first = axis < 0 ? axis &+ rank : axis
    guard first >= 0, other <= rank, first <= rank - other else {
      throw malformed("broadcasts \(other) axes from axis \(axis) on, of \(rank)")
    }
    return [x, try widened(y, rank: other, by: rank - other - first)]
  }

  /// The operands of `PRelu`: before opset 7, slopes are one for all elements, or one a channel.
  func slopeOperands() throws -> [ValueID?] {
    let (x, slope) = (try operand(0), try operand(1))
    guard opset < 7, rank(slope) == 1, graph.type(of: slope)?.shape?.elementCount != 1 else {
      return operands
    }
    guard let rank = rank(x) else {
      throw UnsupportedForm(reason: "slopes a channel, of a value whose rank cannot be told from the file")
    }
    return [x, try widened(slope, rank: 1, by: max(rank - 2, 0))]
  }

  /// `value` with `count` axes of one element more at the end.
  private func widened(_ value: ValueID, rank: Int, by count: Int) throws -> ValueID {
    if count == 0 { return value }
    return intermediate(
      .unsqueeze, [value, try constant(Array(rank..<rank + count), "broadcast/axes")], "broadcast")
  }

  /// The type that `Cast` names by a text before opset 6.
  func namedElementType() throws -> ElementType {
    guard let name = try text("to") else { throw malformed("lacks the attribute 'to'") }
    guard let type = Self.namedTypes[name.uppercased()] else {
      throw UnsupportedForm(reason: "to '\(shown(name))'")
    }
    return type
  }

  private static let namedTypes: [String: ElementType] = [
    "FLOAT": .float32, "DOUBLE": .float64, "FLOAT16": .float16, "INT8": .int8, "INT16": .int16,
    "INT32": .int32,
    "INT64": .int64, "UINT8": .uint8, "UINT16": .uint16, "UINT32": .uint32, "UINT64": .uint64, "BOOL": .bool,
    "STRING": .string,
  ]

  /// The number of repetitions along each axis, for `Tile`; in opset 1 it has one number, and its axis.
  func repeats() throws -> ValueID {
    guard opset < 6 else { return try operand(1) }
    try checkOperands(3...3)
    guard let rank = rank(try operand(0)), let axis = scalar(try operand(2)).flatMap(Int.init(exactly:)),
      (-rank..<rank).contains(axis)
    else {
      throw UnsupportedForm(reason: "an axis or a rank that cannot be told from the file")
    }
    let place = axis < 0 ? axis + rank : axis
    let count = intermediate(
      .reshape(allowZero: false),
      [intermediate(.cast(.int64), [try operand(1)], "count"), try constant([1], "one")], "list")
    let before = try constant([Int](repeating: 1, count: place), "before")
    let after = try constant([Int](repeating: 1, count: rank - place - 1), "after")
    return intermediate(.concat(axis: 0), [before, count, after], "repeats")
  }
}
