import Tensors

/// The value of each element's key, ONNX's `LabelEncoder`.
///
/// `keys` are ascending and distinct, NaN last: int64 for integers, float64 for real numbers. `values` has one for each key,
/// and behind them the value of an element that is no key. NaN is the key NaN.
package struct Lookup: Operator {
  package static let name = "lookup"
  package static let signature = Signature(.data("x"), .data("keys"), .data("values"))
  package static let family = OperatorFamily.movement

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.lookup()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results).with(.sizes([1]), .sizes([1]), .sizes([2]))
  }

  /// The element type of the keys for elements of `type`.
  package static func keyType(_ type: ElementType) -> ElementType {
    type.isFloatingPoint ? .float64 : .int64
  }
}

extension Op {
  package static var lookup: Op { Op(Lookup()) }
}

extension NodeTyping {
  fileprivate func lookup() throws(GraphError) -> Fact? {
    if let type = elementType(0), type.isHandle { throw failure("its operand is \(type)") }
    if let type = elementType(0), let keys = elementType(1), keys != Lookup.keyType(type) {
      throw failure("its keys are \(keys)")
    }
    for index in 1...2 where dimensions(index).map({ $0.count != 1 }) ?? false {
      throw failure("operand \(index) has to be a list")
    }
    if let keys = dimensions(1)?[0].size, let values = dimensions(2)?[0].size, values - 1 != keys {
      throw failure("it has \(keys) keys and \(values) values")
    }
    return elementType(2).map { Fact($0, dimensions(0)) }
  }
}
