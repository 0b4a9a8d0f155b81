import Tensors

/// ONNX `Compress`: the slices along an axis, or the elements of the flattened operand, whose condition is true.
package struct Compress: Operator {
  package static let name = "compress"
  package static let signature = Signature(.data("x"), .data("condition"))
  package static let family = OperatorFamily.movement
  package static let resultSizesDependOnData = true

  /// `nil` for the flattened operand.
  package var axis: Int?

  package static var coding: Coding<Self> { Coding(Self.init, \.axis) }

  package var attributes: [PrintedAttribute] { axis.map { [PrintedAttribute("axis", $0)] } ?? [] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.compress(axis: axis)] }
}

extension Op {
  package static func compress(axis: Int?) -> Op { Op(Compress(axis: axis)) }
}

extension NodeTyping {
  fileprivate func compress(axis: Int?) throws(GraphError) -> Fact? {
    if let type = elementType(1), type != .bool { throw failure("its condition is \(type), not bool") }
    if let condition = dimensions(1), condition.count != 1 { throw failure("its condition is not a list") }
    guard let type = type(0) else { return nil }
    guard type.elementType.bitWidth >= 8 else { throw failure("its operand is \(type.elementType)") }
    guard let axis else { return Fact(type.elementType, [.unknown]) }
    guard var dimensions = type.dimensions else { return Fact(type.elementType, nil) }
    dimensions[try normalized(axis, rank: dimensions.count)] = .unknown
    return Fact(type.elementType, dimensions)
  }
}
