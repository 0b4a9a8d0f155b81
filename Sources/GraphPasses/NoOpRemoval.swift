import ModelGraph
import Tensors

extension Pass {
  /// Removes nodes that give back what they are given: identities, casts to the same type, `Split` and `Concat` of one,
  /// slices that take all, pads of nothing, expansions and reshapes to the same shape, x + 0, x · 1…
  public static let noOpRemoval = Pass(name: "no-op removal", kind: .simplification) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      guard let source = rewriter.unchangedOperand(of: rewriter[index]) else { return false }
      return rewriter.dissolve(index, into: source)
    }
  }
}

extension Rewriter {
  /// The operand that the only result of `node` equals, when it is seen to equal one.
  fileprivate func unchangedOperand(of node: Node) -> ValueID? {
    guard node.postOps.isEmpty, node.outputs.count == 1, let result = node.outputs[0],
      let x = node.inputs.first ?? nil
    else { return nil }
    if let binary = node.op.as(Binary.self) { return neutralised(binary.function, node) }
    return givesBack(x, node, as: result) ? x : nil
  }

  /// Returns true if `result`, which `node` makes of its first operand `x`, is seen to equal x. Arithmetic is not
  /// looked at.
  private func givesBack(_ x: ValueID, _ node: Node, as result: ValueID) -> Bool {
    switch node.op.base {
    case let unary as Unary: unary.function == .clip(minimum: -.infinity, maximum: .infinity)
    case is Identity, is Split: true
    case is Reshape, is Flatten, is Squeeze, is Unsqueeze:
      ValueType.haveSameShape(type(x), type(result), exceptOne: true)
    case let transpose as Transpose:
      !transpose.permutation.isEmpty && transpose.permutation == Array(transpose.permutation.indices)
    case is Concat: node.inputs.count == 1
    case is Slice: takesAll(node)
    case let cast as Cast: type(x)?.elementType == cast.target
    case is Expand: ValueType.haveSameShape(type(x), type(result))
    case is Tile: isAll(1, node, operand: 1)
    case is Pad: isZeros(node, operand: 1)
    default: false
    }
  }

  /// The other operand where one is a constant that changes nothing: x + 0, x − 0, x · 1, x / 1, x ^ 1.
  private func neutralised(_ function: BinaryFunction, _ node: Node) -> ValueID? {
    guard node.inputs.count == 2, let first = node.inputs[0], let second = node.inputs[1],
      let result = node.outputs[0]
    else { return nil }
    let neutral: Double
    var pairs = [(x: first, constant: second)]
    switch function {
    case .add:
      neutral = 0
      pairs.append((second, first))
    case .multiply:
      neutral = 1
      pairs.append((second, first))
    case .subtract: neutral = 0
    case .divide, .power: neutral = 1
    default: return nil
    }
    for (x, constant) in pairs {
      guard let tensor = tensor(constant), tensor.shape.elementCount <= 1 << 16, tensor.isAll(neutral) else {
        continue
      }
      let leavesShape =
        tensor.shape.elementCount == 1
        ? keepsRank(of: x, tensor.shape.rank) : ValueType.haveSameShape(type(x), type(result))
      // A power may be of another type than its exponent; the result is always of the first operand's.
      if leavesShape { return x }
    }
    return nil
  }

  /// Returns true if a slice starts at 0, steps by 1 and ends at or beyond the end of every axis that it
  /// names.
  private func takesAll(_ node: Node) -> Bool {
    guard node.inputs.count >= 3, let starts = tensor(node.inputs[1])?.integers,
      let ends = tensor(node.inputs[2])?.integers, starts.allSatisfy({ $0 == 0 })
    else { return false }
    var axes = Array(starts.indices)
    if node.inputs.count > 3, let id = node.inputs[3] {
      guard let given = tensor(id)?.integers else { return false }
      axes = given
    }
    if node.inputs.count > 4, node.inputs[4] != nil, !isAll(1, node, operand: 4) { return false }
    guard axes.count == ends.count else { return false }
    let dimensions = type(node.inputs[0])?.dimensions
    return zip(axes, ends).allSatisfy { axis, end in
      // Exporters write a huge number for "to the end" (JAX: 1,000,000,000; others the largest integer). No
      // axis is that long.
      if end >= 1_000_000_000 { return true }
      guard let dimensions else { return false }
      let index = axis < 0 ? axis + dimensions.count : axis
      guard dimensions.indices.contains(index), let size = dimensions[index].size else { return false }
      return end >= size
    }
  }

  private func isZeros(_ node: Node, operand: Int) -> Bool { isAll(0, node, operand: operand) }

  /// Returns true if an operand is a constant of integers that are all `value`.
  private func isAll(_ value: Int, _ node: Node, operand: Int) -> Bool {
    guard node.inputs.indices.contains(operand), let integers = tensor(node.inputs[operand])?.integers else {
      return false
    }
    return integers.allSatisfy { $0 == value }
  }
}

extension Tensor {
  /// Returns true if every element equals this number; false for an empty tensor.
  func isAll(_ value: Double) -> Bool {
    guard shape.elementCount > 0 else { return false }
    if let integers { return integers.allSatisfy { Double($0) == value } }
    if elementType == .float64 {
      return (try? elements(as: Double.self))?.allSatisfy { $0 == value } ?? false
    }
    return floats?.allSatisfy { Double($0) == value } ?? false
  }
}

extension ValueType {
  /// Returns true if two shapes are provably equal.
  /// - Parameter exceptOne: the element counts are known to be equal, so that one axis follows from the
  ///   others.
  static func haveSameShape(_ a: ValueType?, _ b: ValueType?, exceptOne: Bool = false) -> Bool {
    guard let a = a?.dimensions, let b = b?.dimensions, a.count == b.count else { return false }
    let unequal = zip(a, b).filter { !$0.0.isSeenToEqual($0.1) }
    if unequal.isEmpty { return true }
    // With an axis of 0 nothing follows for the others.
    return exceptOne && unequal.count == 1 && !(a + b).contains(.known(0))
      && !(unequal[0].0.size != nil && unequal[0].1.size != nil)
  }
}

extension Dimension {
  /// Returns true if both are the same known size or the same symbol.
  func isSeenToEqual(_ other: Dimension) -> Bool { self == other && self != .unknown }
}
