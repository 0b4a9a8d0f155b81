import Tensors

/// A function of each element.
package struct Unary: Operator {
  package static let name = "unary"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.elementwise
  package static let isShapeArithmetic = true
  package var reals: RealElements { function.isStep ? .asGiven : .computed }

  package var function: UnaryFunction

  package static var coding: Coding<Self> { Coding(Self.init, \.function) }

  package var name: String { "unary.\(function.name)" }

  package var attributes: [PrintedAttribute] {
    function.printedParameters.map { [PrintedAttribute("parameters", $0)] } ?? []
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    if let type = node.elementType(0), type.isHandle { throw node.failure("its operand is \(type)") }
    return [node.unary(function, node[0])]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }
}

extension Op {
  package static func unary(_ function: UnaryFunction) -> Op { Op(Unary(function: function)) }
}
