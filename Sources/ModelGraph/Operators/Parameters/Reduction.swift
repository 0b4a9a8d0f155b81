/// The function that a reduction computes over its axes.
package enum Reduction: String, Sendable, Hashable, Codable, Packable {
  case sum, mean, maximum, minimum, product, sumOfSquares, l1, l2, logSum, logSumExp

  /// True if a single element gives itself.
  var keepsSingle: Bool {
    switch self {
    case .sum, .mean, .maximum, .minimum, .product: true
    case .sumOfSquares, .l1, .l2, .logSum, .logSumExp: false
    }
  }
}

/// The extremum that `argumentOf` looks for.
package enum Extremum: String, Sendable, Hashable, Codable, Packable { case maximum, minimum }
