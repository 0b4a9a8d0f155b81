import Tensors

extension NodeTyping {
  /// The result of an operator on the square matrices in the last two axes of operand 0.
  /// - Parameter sizes: returns the result's sizes by the operand's.
  /// - Throws: ``GraphError`` if there are no matrices, or they are not square.
  func squareMatrices(_ sizes: ([Dimension]) -> [Dimension]) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let dimensions = type.dimensions else { return Fact(type) }
    guard dimensions.count >= 2 else {
      throw failure("its input has \(dimensions.count) axes, so no matrices")
    }
    _ = try unified(
      dimensions[dimensions.count - 1], dimensions[dimensions.count - 2], "rows and columns of its matrices")
    return Fact(type.elementType, sizes(dimensions))
  }
}
