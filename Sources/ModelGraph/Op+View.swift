extension Op {
  /// True when the result has the bytes of the first operand, in another shape or the same.
  package var isView: Bool {
    switch self {
    case .identity, .reshape, .flatten, .squeeze, .unsqueeze: true
    default: false
    }
  }
}
