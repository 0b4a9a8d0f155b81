import ModelGraph
import Tensors

/// A product of values: `coefficient · factors[0] · factors[1] · …`.
struct Product {
  var coefficient = 1.0
  var factors: [ValueID] = []
  /// The largest rank of the constants that went into the coefficient; a one-element constant of rank 1 makes a
  /// scalar's product rank 1, too.
  var constantRank = 0
}

extension Rewriter {
  /// The element of a floating-point constant that has just one, and the constant's rank.
  func scalar(_ id: ValueID?) -> (value: Double, rank: Int)? {
    guard let tensor = tensor(id), tensor.shape.elementCount == 1 else { return nil }
    let value: Double?
    switch tensor.elementType {
    case .float64: value = (try? tensor.elements(as: Double.self))?.first
    default: value = tensor.floats?.first.map { Double($0) }
    }
    return value.map { ($0, tensor.shape.rank) }
  }

  /// `id` written as a product, looking through multiplications, divisions by scalars, negations and whole powers.
  /// - Parameters:
  ///   - stop: a value that is a factor, however it is made.
  ///   - limit: how many nodes to look through.
  func product(_ id: ValueID, stoppingAt stop: ValueID? = nil, limit: Int = 8) -> Product {
    var product = Product()
    var budget = limit
    expand(id, stop: stop, into: &product, &budget)
    return product
  }

  private func expand(_ id: ValueID, stop: ValueID?, into product: inout Product, _ budget: inout Int) {
    guard id != stop, budget > 0, let node = maker(of: id)?.node, node.postOps.isEmpty,
      let (factor, values) = multiplicands(node)
    else { return product.factors.append(id) }
    budget -= 1
    product.coefficient *= factor.value
    product.constantRank = max(product.constantRank, factor.rank)
    for value in values { expand(value, stop: stop, into: &product, &budget) }
  }

  /// Returns the factors of a node, a constant and values, or `nil` if the node is not a multiplication.
  private func multiplicands(_ node: Node) -> (factor: (value: Double, rank: Int), values: [ValueID])? {
    let operands = node.inputs.compactMap { $0 }
    if node.op == .unary(.negate) { return ((-1.0, 0), operands) }
    switch node.op.as(Binary.self)?.function {
    case .multiply:
      guard operands.count == 2 else { return nil }
      if let constant = scalar(operands[0]) { return (constant, [operands[1]]) }
      if let constant = scalar(operands[1]) { return (constant, [operands[0]]) }
      return ((1.0, 0), operands)
    case .divide:
      guard operands.count == 2, let constant = scalar(operands[1]), constant.value != 0 else { return nil }
      return ((1 / constant.value, constant.rank), [operands[0]])
    case .power:
      guard operands.count == 2, let exponent = scalar(operands[1]), [2, 3].contains(exponent.value) else {
        return nil
      }
      return ((1.0, exponent.rank), [ValueID](repeating: operands[0], count: Int(exponent.value)))
    default: return nil
    }
  }

  /// `id` as `value + addend`, when a node adds a one-element constant to `value` or takes one away.
  func sum(_ id: ValueID?) -> (value: ValueID, addend: Double, constantRank: Int)? {
    guard let node = maker(of: id)?.node, node.postOps.isEmpty, node.inputs.count == 2,
      let first = node.inputs[0], let second = node.inputs[1]
    else { return nil }
    switch node.op.as(Binary.self)?.function {
    case .add:
      if let constant = scalar(second) { return (first, constant.value, constant.rank) }
      return scalar(first).map { (second, $0.value, $0.rank) }
    case .subtract:
      return scalar(second).map { (first, -$0.value, $0.rank) }
    default: return nil
    }
  }

  /// The unary function that makes `id`, and what it is applied to.
  func unary(_ id: ValueID?) -> (function: UnaryFunction, argument: ValueID)? {
    guard let node = maker(of: id)?.node, node.postOps.isEmpty,
      let function = node.op.as(Unary.self)?.function, let argument = node.inputs.first ?? nil
    else { return nil }
    return (function, argument)
  }
}

extension Double {
  /// Returns true if this equals `other` within the accuracy of a constant that was rounded to `float`,
  /// perhaps twice, or to a half; for quotients, the reciprocal may have been rounded to a half.
  func isAbout(_ other: Double) -> Bool {
    isNear(other) || isNear(Double(Float16(other))) || isNear(Double(Float(BFloat16(Float(other)))))
      || (1 / self).isNear(Double(Float16(1 / other)))
  }

  private func isNear(_ other: Double) -> Bool { abs(self - other) <= 1e-6 * abs(other) }
}
