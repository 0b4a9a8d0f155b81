import Tensors

/// The probabilities of classes that follow from those of each pair: the second method of Wu, Lin and Weng, "Probability
/// Estimates for Multi-class Classification by Pairwise Coupling" (2004), which ONNX's `SVMClassifier` uses.
///
/// The operand has for each row the probability of the first class of each pair (0, 1), (0, 2), … (1, 2), ….
package struct PairwiseCoupling: Operator {
  package static let name = "pairwise.coupling"
  package static let signature = Signature(.data("pairs"))
  package static let family = OperatorFamily.window

  package var classes: Int

  package static var coding: Coding<Self> { Coding(Self.init, \.classes) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("classes", classes)] }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.pairwiseCoupling(classes)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(PairwiseCoupling(classes: 2), operands: operands, results: results)
      .with(.sizes([1, 1]), results: [1, 2])
  }

  /// The number of pairs; `nil` for fewer than two classes or more than can be counted.
  package static func pairs(of classes: Int) -> Int? {
    guard classes >= 2 else { return nil }
    let (product, overflow) = classes.multipliedReportingOverflow(by: classes - 1)
    return overflow ? nil : product / 2
  }
}

extension Op {
  package static func pairwiseCoupling(classes: Int) -> Op { Op(PairwiseCoupling(classes: classes)) }
}

extension NodeTyping {
  fileprivate func pairwiseCoupling(_ classes: Int) throws(GraphError) -> Fact? {
    guard let pairs = PairwiseCoupling.pairs(of: classes) else {
      throw failure("\(classes) classes cannot be paired")
    }
    guard let type = elementType(0) else { return nil }
    guard type.isFloatingPoint else { throw failure("its probabilities are \(type)") }
    guard let dimensions = dimensions(0) else { return Fact(type, [.unknown, .known(classes)]) }
    guard dimensions.count == 2, dimensions[1].unified(with: .known(pairs)) != nil else {
      throw failure("its probabilities are not those of \(pairs) pairs")
    }
    return Fact(type, [dimensions[0], .known(classes)])
  }
}
