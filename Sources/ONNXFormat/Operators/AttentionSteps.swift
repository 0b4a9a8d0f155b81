import ModelGraph
import Tensors

/// Small steps that the readers of attention share.
extension NodeImport {
  func binary(_ function: BinaryFunction, _ a: ValueID, _ b: ValueID, _ suffix: String) -> ValueID {
    intermediate(.binary(function), [a, b], suffix)
  }

  /// The size of one axis as a list of one number; `axis` counts from the front.
  func size(_ axis: Int, of x: ValueID, _ suffix: String) -> ValueID {
    intermediate(.shape(start: axis, end: axis + 1), [x], suffix)
  }

  /// The size of one axis if the file tells it.
  func knownSize(_ axis: Int, of x: ValueID?) -> Int? {
    guard let dimensions = x.flatMap({ graph.type(of: $0)?.dimensions }) else { return nil }
    let axis = axis < 0 ? axis + dimensions.count : axis
    return dimensions.indices.contains(axis) ? dimensions[axis].size : nil
  }

  /// True if the file tells that an axis of one value is as long as an axis of another.
  func haveSameSize(_ axis: Int, of a: ValueID, _ other: Int, of b: ValueID) -> Bool {
    guard let left = graph.type(of: a)?.dimensions, let right = graph.type(of: b)?.dimensions else {
      return false
    }
    let (first, second) = (axis < 0 ? axis + left.count : axis, other < 0 ? other + right.count : other)
    guard left.indices.contains(first), right.indices.contains(second) else { return false }
    return left[first] == right[second] && left[first] != .unknown
  }

  func concatenated(_ parts: [ValueID], _ suffix: String) -> ValueID {
    intermediate(.concat(axis: 0), parts, suffix)
  }

  /// Sizes of 0 are copied, and one of −1 is inferred.
  func reshaped(_ x: ValueID, _ sizes: [Int], _ suffix: String) throws -> ValueID {
    intermediate(.reshape(allowZero: false), [x, try constant(sizes, suffix + "Shape")], suffix)
  }

  /// Every size is given.
  func reshaped(_ x: ValueID, to sizes: [ValueID], _ suffix: String) -> ValueID {
    intermediate(.reshape(allowZero: true), [x, concatenated(sizes, suffix + "Shape")], suffix)
  }

  func unsqueezed(_ x: ValueID, _ axes: [Int], _ suffix: String) throws -> ValueID {
    intermediate(.unsqueeze, [x, try constant(axes, suffix + "Axes")], suffix)
  }

  /// The elements from `start` to `end` along one axis.
  func sliced(_ x: ValueID, _ start: Int, _ end: Int, axis: Int, _ suffix: String) throws -> ValueID {
    intermediate(
      .slice,
      [
        x, try constant([start], suffix + "Start"), try constant([end], suffix + "End"),
        try constant([axis], suffix + "Axis"),
      ], suffix)
  }

  /// Parts of `x` along an axis: equal ones, or of the sizes given.
  func parts(of x: ValueID, axis: Int, sizes: [Int]? = nil, _ suffixes: [String]) throws -> [ValueID] {
    let results = suffixes.map { graph.value(named: "\(name)/\($0)") }
    let list = try sizes.map { try constant($0, suffixes[0] + "Sizes") }
    let base = "\(name)/\(suffixes[0])Split"
    graph.append(
      Node(name: base, op: .split(axis: axis), inputs: list.map { [x, $0] } ?? [x], outputs: results))
    return results
  }

  /// The floating-point type of an operand, and the one to compute in: halves are computed with as floats.
  func realTypes(of x: ValueID) throws -> (own: ElementType, wide: ElementType) {
    guard let type = elementType(x) else {
      throw UnsupportedForm(reason: "the element type of its operand cannot be told from the file")
    }
    guard type.isFloatingPoint else { throw malformed("has an operand of \(type)") }
    return (type, type == .float64 ? .float64 : .float32)
  }

  /// Makes one of the file's results of a value, which is converted to `type` first.
  func emit(result index: Int, _ x: ValueID, as type: ElementType) throws {
    try emit(result: index, elementType(x) == type ? .identity : .cast(type), [x])
  }

  /// x · sigmoid(alpha · x).
  func swish(_ x: ValueID, alpha: Double) throws -> ValueID {
    if alpha == 1 { return intermediate(.unary(.silu), [x], "swish") }
    let factor = try constant(alpha, like: x, "alpha")
    let gate = intermediate(.unary(.sigmoid), [binary(.multiply, x, factor, "scaled")], "gate")
    return binary(.multiply, x, gate, "swish")
  }
}

// MARK: Heads

extension NodeImport {
  /// [batch, positions, heads · size] as [batch, positions, heads, size].
  func splitHeads(_ x: ValueID, _ heads: Int, _ suffix: String) throws -> ValueID {
    if let rank = rank(x), rank != 3 {
      throw malformed("has an operand of \(rank) axes where 3 are expected")
    }
    let hidden = knownSize(2, of: x)
    if let hidden, hidden % heads != 0 { throw malformed("has \(heads) heads for a vector of \(hidden)") }
    return try reshaped(x, [0, 0, heads, hidden.map { $0 / heads } ?? -1], suffix)
  }

  /// [batch, positions, heads · size] as [batch, heads, positions, size].
  func headsFirst(_ x: ValueID, _ heads: Int, _ suffix: String) throws -> ValueID {
    intermediate(
      .transpose(permutation: [0, 2, 1, 3]), [try splitHeads(x, heads, suffix + "Split")], suffix)
  }

  /// [batch, heads, positions, size] as [batch, positions, heads · size].
  func headsLast(_ x: ValueID, _ suffix: String) throws -> ValueID {
    let turned = intermediate(.transpose(permutation: [0, 2, 1, 3]), [x], suffix + "Turned")
    var hidden = -1
    if let heads = knownSize(1, of: x), let size = knownSize(3, of: x) {
      let (product, overflow) = heads.multipliedReportingOverflow(by: size)
      if !overflow { hidden = product }
    }
    return try reshaped(turned, [0, 0, hidden], suffix)
  }
}
