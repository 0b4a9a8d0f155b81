import Tensors

/// One node with what is known of its operands; the op families extend it with their rules.
///
/// A rule says as much of the results as is sure, and throws only on what is surely wrong.
package struct NodeTyping {
  let graph: String
  let node: Node
  /// The facts of ``Node/inputs``, the op's own operands; `nil` for an operand that is left out or unknown.
  let operands: [Fact?]
  /// The facts of the post-ops' operands, in order; `nil` for an unknown one.
  let postOpOperands: [Fact?]
  /// The number of conditionals around this node.
  let depth: Int

  /// - Parameter operands: the facts of ``Node/operands``.
  init(graph: String, node: Node, operands: [Fact?], depth: Int) {
    self.graph = graph
    self.node = node
    self.operands = node.postOps.isEmpty ? operands : Array(operands.prefix(node.inputs.count))
    postOpOperands = Array(operands.dropFirst(node.inputs.count))
    self.depth = depth
  }

  /// The error that says `detail` of this node and its operands.
  func failure(_ detail: String) -> GraphError {
    let types = zip(node.operands, operands + postOpOperands).map { id, fact in
      id == nil ? "–" : fact?.type.description ?? "?"
    }
    return GraphError(
      .inference(
        graph: graph, node: node.name, op: node.op.name,
        detail: detail + " (operands: \(types.joined(separator: ", ")))"))
  }

  /// Returns true if the op has this operand.
  func has(_ index: Int) -> Bool { index < node.inputs.count && node.inputs[index] != nil }

  /// The facts of an operand of the op itself.
  subscript(_ index: Int) -> Fact? { index < operands.count ? operands[index] : nil }

  func type(_ index: Int) -> ValueType? { self[index]?.type }
  func dimensions(_ index: Int) -> [Dimension]? { self[index]?.type.dimensions }
  func elementType(_ index: Int) -> ElementType? { self[index]?.type.elementType }

  /// The number of elements of an operand that is a list (or a scalar, which counts as one).
  func listCount(_ index: Int) throws(GraphError) -> Int? {
    guard let dimensions = dimensions(index) else { return nil }
    guard dimensions.count <= 1 else { throw failure("operand \(index) has to be a list") }
    return dimensions.isEmpty ? 1 : dimensions[0].size
  }

  /// The elements of a list operand: unknown ones where only their number is known, `nil` where not even that is.
  func list(_ index: Int) throws(GraphError) -> [Scalar]? {
    guard let count = try listCount(index) else { return nil }
    if let elements = self[index]?.elements { return elements }
    guard count <= Inference.maximumElements else {
      throw failure("operand \(index) has \(count) elements, which is too many for what it lists")
    }
    return [Scalar](repeating: .unknown, count: count)
  }

  /// The integers of a list operand when all are known.
  func integers(_ index: Int) throws(GraphError) -> [Int]? {
    guard let elements = try list(index) else { return nil }
    let known = elements.compactMap(\.integer)
    return known.count == elements.count ? known : nil
  }

  /// `axis` counted from the front.
  func normalized(_ axis: Int, rank: Int) throws(GraphError) -> Int {
    guard -rank..<rank ~= axis else { throw failure("axis \(axis) is not one of \(rank) axes") }
    return axis < 0 ? axis + rank : axis
  }

  /// `axes` counted from the front; each at most once.
  func normalized(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
    var result: [Int] = []
    for axis in axes {
      let axis = try normalized(axis, rank: rank)
      guard !result.contains(axis) else { throw failure("axis \(axis) is named twice") }
      result.append(axis)
    }
    return result
  }

  /// A dimension that arithmetic could not hold.
  func sized(_ dimension: Dimension?) throws(GraphError) -> Dimension {
    guard let dimension else { throw failure("a size of the result is larger than this machine can address") }
    return dimension
  }

  /// Both must be the same.
  func unified(_ a: Dimension, _ b: Dimension, _ what: String) throws(GraphError) -> Dimension {
    guard let dimension = a.unified(with: b) else { throw failure("\(what) differ") }
    return dimension
  }

  /// The dimensions of two operands broadcast to each other; `nil` when a rank is not known.
  func broadcast(_ a: [Dimension]?, _ b: [Dimension]?) throws(GraphError) -> [Dimension]? {
    guard let a, let b else { return nil }
    if a == b { return a }
    let rank = max(a.count, b.count)
    var result: [Dimension] = []
    result.reserveCapacity(rank)
    for axis in 0..<rank {
      let left = axis + a.count < rank ? Dimension.known(1) : a[axis + a.count - rank]
      let right = axis + b.count < rank ? Dimension.known(1) : b[axis + b.count - rank]
      guard let dimension = left.broadcast(with: right) else {
        throw failure("\(ValueType.text(a)) and \(ValueType.text(b)) do not broadcast")
      }
      result.append(dimension)
    }
    return result
  }

  /// Checks that `operand` can be broadcast to `target` without changing it.
  func checkBroadcast(_ operand: [Dimension]?, to target: [Dimension]?, _ what: String) throws(GraphError) {
    guard let operand, let target else { return }
    guard operand.count <= target.count else {
      throw failure("\(what) \(ValueType.text(operand)) has more axes than \(ValueType.text(target))")
    }
    for (own, wide) in zip(operand.reversed(), target.reversed()) {
      if let size = own.size, size != 1, let limit = wide.size, size != limit {
        throw failure("\(what) \(ValueType.text(operand)) does not broadcast to \(ValueType.text(target))")
      }
    }
  }

  /// Checks that the operands have the same element type, as far as they are there and known.
  func checkSameElementType(_ indices: [Int]) throws(GraphError) {
    var found: ElementType?
    for index in indices {
      guard let type = elementType(index) else { continue }
      if let found, found != type { throw failure("its operands are of types \(found) and \(type)") }
      found = type
    }
  }

  /// Checks that an operand holds integers (of any width).
  func checkInteger(_ index: Int, _ what: String) throws(GraphError) {
    if let type = elementType(index), !type.isInteger { throw failure("its \(what) are \(type)") }
  }

  /// Checks that an operand, where known, has one axis of `size`.
  func checkVector(_ index: Int, _ size: Dimension, _ what: String) throws(GraphError) {
    guard let dimensions = dimensions(index) else { return }
    guard dimensions.count == 1, dimensions[0].unified(with: size) != nil else {
      throw failure("its \(what) is \(ValueType.text(dimensions)), not \(ValueType.text([size]))")
    }
  }
}

extension ValueType {
  /// Dimensions as text: `[batch, 3, ?]`.
  static func text(_ dimensions: [Dimension]) -> String {
    let sizes = dimensions.map { dimension in
      switch dimension {
      case .known(let size): "\(size)"
      case .symbol(let name): name
      case .unknown: "?"
      }
    }
    return "[\(sizes.joined(separator: ", "))]"
  }
}
