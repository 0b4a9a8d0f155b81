/// The treatment of numbers too small to have all their digits, which make many processors much slower.
public enum Subnormals: String, Sendable, CaseIterable {
  /// They count as zero, as operands and as results.
  case flush
  /// They are computed with as IEEE 754 has it.
  case keep
}
