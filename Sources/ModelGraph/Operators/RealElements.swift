/// An operator's use of real numbers, which says whether it may have wider ones.
package enum RealElements: Sendable {
  /// It looks at operands as they are rounded, or makes numbers of a type that its parameters give.
  case asGiven
  /// Its results are rounded from those of a formula: of wider operands they are only nearer to these.
  case computed
  /// Its results are elements of its data operands, in another place.
  case moved
}

extension Signature {
  /// True if one operand alone has elements that are not indices, sizes or axes.
  package var hasOneDataOperand: Bool { !isVariadic && roles.filter { !$0.decidesShapes }.count == 1 }
}
