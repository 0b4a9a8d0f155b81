import Tensors

/// ONNX `Multinomial`: classes drawn for each row of unnormalised log probabilities.
///
/// The classes follow from the operand, the seed and the place of the sample: every run gives the same ones.
package struct RandomClasses: Operator {
  package static let name = "randomclasses"
  package static let signature = Signature(.data("x"))
  package static let family = OperatorFamily.window

  /// The number of classes drawn for each row.
  package var samples: Int
  package var seed: Int
  package var elementType: ElementType

  package static var coding: Coding<Self> { Coding(Self.init, \.samples, \.seed, \.elementType) }

  package init(samples: Int, seed: Int, elementType: ElementType) {
    (self.samples, self.seed, self.elementType) = (samples, seed, elementType)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("samples", samples), PrintedAttribute("seed", seed)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.randomClasses(self)] }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      RandomClasses(samples: 1, seed: seed, elementType: elementType), operands: operands, results: results
    ).with(.sizes([1, 1]), results: [1, 1])
  }
}

extension Op {
  package static func randomClasses(samples: Int, seed: Int, _ elementType: ElementType) -> Op {
    Op(RandomClasses(samples: samples, seed: seed, elementType: elementType))
  }
}

extension NodeTyping {
  fileprivate func randomClasses(_ classes: RandomClasses) throws(GraphError) -> Fact {
    let type = classes.elementType
    guard classes.samples >= 0, type == .int32 || type == .int64 else {
      throw failure("it draws \(classes.samples) samples of type \(type)")
    }
    guard let rows = dimensions(0) else { return Fact(type, [.unknown, .known(classes.samples)]) }
    guard rows.count == 2 else { throw failure("its operand has \(rows.count) axes, not two") }
    return Fact(type, [rows[0], .known(classes.samples)])
  }
}
