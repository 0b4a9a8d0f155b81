import Tensors

/// A function of two elements. Operands broadcast as in NumPy.
package struct Binary: Operator {
  package static let name = "binary"
  package static let signature = Signature(.data("a"), .data("b"))
  package static let family = OperatorFamily.elementwise
  package static let isShapeArithmetic = true
  package var reals: RealElements { function.isPredicate || function.isStep ? .asGiven : .computed }

  package var function: BinaryFunction

  package static var coding: Coding<Self> { Coding(Self.init, \.function) }

  package var name: String { "binary.\(function.rawValue)" }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.binary(function, node[0], node[1])]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.allBroadcast }
}

extension Op {
  package static func binary(_ function: BinaryFunction) -> Op { Op(Binary(function: function)) }
}
