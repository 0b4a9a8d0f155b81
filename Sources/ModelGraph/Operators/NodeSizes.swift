import Tensors

/// The concrete shapes of a node's operands and results, as far as they are there.
package struct NodeSizes: Sendable {
  private let operands: [Shape?]
  private let results: [Shape?]

  package init(operands: [Shape?], results: [Shape?]) {
    self.operands = operands
    self.results = results
  }

  /// The number of elements of an operand; 0 for one that is left out.
  package func elements(_ operand: Int) -> Double { Double(shape(operand)?.elementCount ?? 0) }

  /// The number of elements of the first result.
  package var resultElements: Double { Double(result?.elementCount ?? 0) }

  /// The number of axes of an operand.
  package func rank(_ operand: Int) -> Int { shape(operand)?.rank ?? 1 }

  /// The size of an operand's axis, at least 1; 1 for an axis that is not there.
  package func size(_ axis: Int, of operand: Int) -> Double { NodeSizes.size(axis, shape(operand)) }

  /// The size of an axis of the first result, at least 1.
  package func resultSize(_ axis: Int) -> Double { NodeSizes.size(axis, result) }

  private func shape(_ operand: Int) -> Shape? {
    operands.indices.contains(operand) ? operands[operand] : nil
  }
  private var result: Shape? { results.first ?? nil }

  private static func size(_ axis: Int, _ shape: Shape?) -> Double {
    guard let shape, shape.dims.indices.contains(axis) else { return 1 }
    return Double(max(shape.dims[axis], 1))
  }
}
