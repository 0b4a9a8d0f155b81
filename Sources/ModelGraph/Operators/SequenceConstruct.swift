import Tensors

/// ONNX `SequenceConstruct`, `SequenceEmpty` and `Optional`: a sequence of the operands, or an absent optional.
package struct SequenceConstruct: Operator {
  package static let name = "sequence_construct"
  package static let signature = Signature(isVariadic: true)
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  /// The contents of a sequence without elements; of one with elements, only whether it is an optional.
  package var declared: SequenceContents?
  package var isAbsent: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.declared, \.isAbsent) }

  package var attributes: [PrintedAttribute] { isAbsent ? [PrintedAttribute("absent", "true")] : [] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard !node.operands.isEmpty else { return [Fact(ValueType(sequence: declared))] }
    guard !isAbsent else { throw node.failure("an absent optional has no elements") }
    var contents = node.type(0).map {
      SequenceContents($0.elementType, $0.dimensions, isOptional: declared?.isOptional ?? false)
    }
    for index in node.operands.indices { contents = try node.contents(contents, with: index) }
    return [Fact(ValueType(sequence: contents))]
  }
}

extension Op {
  /// - Parameter declared: the contents of a sequence without elements.
  package static func sequenceConstruct(_ declared: SequenceContents? = nil, isAbsent: Bool = false) -> Op {
    Op(SequenceConstruct(declared: declared, isAbsent: isAbsent))
  }
}
