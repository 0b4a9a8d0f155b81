import Tensors

/// ONNX `RandomUniform` and `RandomNormal`, and their `Like` forms: independent numbers of one distribution.
///
/// The numbers follow from the seed and the place of the element alone: every run gives the same ones.
package struct RandomNumbers: Operator {
  package static let name = "random"
  package static let signature = Signature(.shape("shape"))
  package static let family = OperatorFamily.movement

  package var distribution: RandomDistribution
  /// The lower bound of the uniform distribution, the mean of the normal one.
  package var start: Double
  /// The upper bound of the uniform distribution, the standard deviation of the normal one.
  package var extent: Double
  package var seed: Int
  package var elementType: ElementType

  package static var coding: Coding<Self> {
    Coding(Self.init, \.distribution, \.start, \.extent, \.seed, \.elementType)
  }

  package init(
    distribution: RandomDistribution, start: Double, extent: Double, seed: Int, elementType: ElementType
  ) {
    (self.distribution, self.start, self.extent) = (distribution, start, extent)
    (self.seed, self.elementType) = (seed, elementType)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("distribution", distribution.rawValue), PrintedAttribute("seed", seed)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.random(elementType)] }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.integers([1]))
  }
}

/// A distribution of random numbers.
package enum RandomDistribution: String, Sendable, Hashable, Codable, Packable { case uniform, normal }

extension Op {
  /// Numbers of at least `low` and less than `high`.
  package static func random(uniform bounds: (low: Double, high: Double), seed: Int, _ type: ElementType)
    -> Op
  {
    Op(
      RandomNumbers(
        distribution: .uniform, start: bounds.low, extent: bounds.high, seed: seed, elementType: type))
  }

  package static func random(mean: Double, deviation: Double, seed: Int, _ type: ElementType) -> Op {
    Op(
      RandomNumbers(distribution: .normal, start: mean, extent: deviation, seed: seed, elementType: type))
  }
}

extension NodeTyping {
  fileprivate func random(_ elementType: ElementType) throws(GraphError) -> Fact {
    try checkInteger(0, "sizes")
    guard elementType.isFloatingPoint else { throw failure("its numbers are \(elementType)") }
    guard let sizes = try list(0) else { return Fact(elementType, nil) }
    for size in sizes.compactMap(\.integer) where size < 0 { throw failure("a size is \(size)") }
    return Fact(elementType, sizes.map(\.dimension))
  }
}
