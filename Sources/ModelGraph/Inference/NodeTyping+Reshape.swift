import Tensors

extension NodeTyping {
  /// The elements of an operand that keeps their order under new dimensions.
  func elements(of operand: Fact, as dimensions: [Dimension]) -> [Scalar]? {
    dimensions.allSatisfy { $0.size != nil } ? operand.cheapElements : nil
  }

}
