/// The computation of a node: an operator with its parameters.
///
/// Opset differences are gone: if ONNX moved an attribute to an input, the input is used. Operand lists are those of
/// the newest ONNX operator of that name (`https://onnx.ai/onnx/operators/`) unless the operator states its own.
public struct Op: Sendable {
  package let base: any Operator

  package init(_ base: some Operator) { self.base = base }

  /// The operator, if it is one of type `kind`.
  package func `as`<Kind: Operator>(_ kind: Kind.Type) -> Kind? {
    // Comparing types is many times faster than a cast that fails, and most of them would.
    Swift.type(of: base) == kind ? base as? Kind : nil
  }

  /// Returns true if the operator is of type `kind`.
  package func `is`(_ kind: (some Operator).Type) -> Bool { Swift.type(of: base) == kind }

  /// A short standard name: `conv`, `matmul`, `unary.relu`.
  public var name: String { base.name }

  /// The operands by role, and how many results there may be.
  package var signature: Signature { Swift.type(of: base).signature }

  /// The use of real numbers.
  package var reals: RealElements { base.reals }

  /// True when the result has the bytes of the first operand, in another shape or the same.
  package var isView: Bool { Swift.type(of: base).isView }
}

extension Op: Equatable {
  public static func == (a: Op, b: Op) -> Bool {
    Swift.type(of: a.base) == Swift.type(of: b.base) && a.base.equals(b.base)
  }
}

extension Operator {
  fileprivate func equals(_ other: any Operator) -> Bool { (other as? Self) == self }
}
