/// One operator: its parameters, and every fact about it that does not depend on a machine.
///
/// An operator is a type in a file of its own. Readers, kernels and pictures know it by that type; nothing else lists
/// operators but ``Operators/all``, which `scripts/make-operator-list.py` generates.
package protocol Operator: Sendable, Equatable, Codable {
  /// The name in stored graphs: `softmax`.
  static var name: String { get }
  /// The operands by role, and how many results there may be.
  static var signature: Signature { get }
  /// The parameters in stored graphs.
  static var coding: Coding<Self> { get }
  /// The kind of work, for pictures.
  static var family: OperatorFamily { get }
  /// True when the result has the bytes of the first operand, in another shape or the same.
  static var isView: Bool { get }
  /// True when operands and results may lie in each other's bytes, side by side or one in the other.
  static var sharesBytes: Bool { get }
  /// True when no kernel writes the result into the bytes of an operand.
  static var writesApart: Bool { get }
  /// True when results follow from the operands' shapes, whatever their elements are.
  static var readsShapesAlone: Bool { get }
  /// True when results follow from shapes if the operands do: arithmetic and movement that models apply to sizes.
  static var isShapeArithmetic: Bool { get }
  /// True when operands may be sequences.
  static var takesSequences: Bool { get }
  /// True when sizes of the results are known only once the node has run: no kernel computes it, but the host between two plans.
  static var resultSizesDependOnData: Bool { get }

  /// The name shown to a reader: ``name-swift.type.property``, and the part of the parameters that selects a function.
  var name: String { get }
  /// The parameters as shown to a reader; defaults are left out.
  var attributes: [PrintedAttribute] { get }
  /// The use of real numbers.
  var reals: RealElements { get }
  /// The bytes of texts among the parameters.
  var footprint: Int { get }
  /// Returns the facts of the node's results before its post-ops.
  /// - Throws: ``GraphError`` for certain errors.
  func results(_ node: NodeTyping) throws(GraphError) -> [Fact?]
  /// Returns true if axis 0 of the results is the batch axis, provided that it has that many elements.
  func keepsRows(_ rows: BatchRows) -> Bool
  /// The multiplications with an addition that the node costs; 0 for one that is bound by memory.
  func multiplyAdds(_ sizes: NodeSizes) -> Double
  /// The parts of the computation that start when the part before has ended, on all threads; at least 1.
  func turns(_ sizes: NodeSizes) -> Double
  /// The node at the smallest sizes, to ask whether a kernel exists for some element types.
  func smallest(operands: Int, results: Int) -> SmallestNode
  /// A shape for the first operand if inference knows none, from that of the weights at 1.
  func nominalShape(weights: [Int], rank: Int?) -> [Int]?
}

extension Operator {
  package static var isView: Bool { false }
  package static var sharesBytes: Bool { false }
  package static var writesApart: Bool { false }
  package static var readsShapesAlone: Bool { false }
  package static var isShapeArithmetic: Bool { false }
  package static var takesSequences: Bool { false }
  package static var resultSizesDependOnData: Bool { false }

  package var name: String { Self.name }
  package var attributes: [PrintedAttribute] { [] }
  package var reals: RealElements { .asGiven }
  package var footprint: Int { 0 }
  package func keepsRows(_ rows: BatchRows) -> Bool { false }
  package func multiplyAdds(_ sizes: NodeSizes) -> Double { 0 }
  package func turns(_ sizes: NodeSizes) -> Double { 1 }
  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
  }
  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? { nil }
}

/// Operators that do a similar kind of work; pictures give each family a colour.
package enum OperatorFamily: String, Sendable, CaseIterable {
  case linear, window, elementwise, movement, control
}
