/// Sizes that stand in for unknown ones when weight layouts are chosen. A wrong guess costs speed, never correctness: the
/// layout is stored with the weights.
package enum NominalSize {
  /// A size for an unknown axis of an image.
  package static let image = 56
}
