extension Dimension {
  /// Returns the common value of two dimensions that must be equal, or `nil` if they certainly differ.
  func unified(with other: Dimension) -> Dimension? {
    switch (self, other) {
    case (.known(let a), .known(let b)): a == b ? self : nil
    case (.known, _): self
    case (_, .known): other
    case (.symbol, _): self
    default: other
    }
  }

  /// Returns the certain knowledge about a dimension that is either of the two.
  func joined(with other: Dimension) -> Dimension { self == other ? self : .unknown }

  /// NumPy's rule for one axis: equal, or one of them 1; `nil` when that is certainly not so.
  func broadcast(with other: Dimension) -> Dimension? {
    switch (self, other) {
    case (.known(1), _): other
    case (_, .known(1)): self
    case (.known(let a), .known(let b)): a == b ? self : nil
    // The other one is 1 or the same.
    case (.known, _): self
    case (_, .known): other
    default: self == other ? self : .unknown
    }
  }

  /// The product; `nil` when it does not fit an `Int`.
  func times(_ other: Dimension) -> Dimension? {
    switch (self, other) {
    case (.known(0), _), (_, .known(0)): return .known(0)
    case (.known(1), _): return other
    case (_, .known(1)): return self
    case (.known(let a), .known(let b)):
      let (product, overflow) = a.multipliedReportingOverflow(by: b)
      return overflow ? nil : .known(product)
    default: return .unknown
    }
  }

  /// The sum with a number; `nil` when it does not fit an `Int`.
  func plus(_ number: Int) -> Dimension? {
    if number == 0 { return self }
    guard case .known(let size) = self else { return .unknown }
    let (sum, overflow) = size.addingReportingOverflow(number)
    return overflow ? nil : .known(sum)
  }

  /// The sum; `nil` when it does not fit an `Int`.
  func plus(_ other: Dimension) -> Dimension? {
    switch (self, other) {
    case (_, .known(let number)): plus(number)
    case (.known(let number), _): other.plus(number)
    default: .unknown
    }
  }

  /// The number of steps of `divisor` that cover this dimension.
  func dividedRoundingUp(by divisor: Int) -> Dimension {
    if divisor == 1 { return self }
    guard case .known(let size) = self, divisor > 0 else { return .unknown }
    return .known(size / divisor + (size % divisor == 0 ? 0 : 1))
  }
}

/// The number of elements of a shape, kept apart so that one product can be divided by another.
struct DimensionProduct {
  /// The product of the known sizes.
  var known = 1
  /// The exponent of each symbol in the product.
  var symbols: [String: Int] = [:]
  /// True if a factor is entirely unknown.
  var isOpen = false

  /// `nil` when the product does not fit an `Int`.
  init?(_ dimensions: some Sequence<Dimension>) {
    var hasZero = false
    for dimension in dimensions {
      switch dimension {
      case .known(0): hasZero = true
      case .known(let size):
        let (product, overflow) = known.multipliedReportingOverflow(by: size)
        if overflow { return nil }
        known = product
      case .symbol(let name): symbols[name, default: 0] += 1
      case .unknown: isOpen = true
      }
    }
    if hasZero {
      known = 0
      symbols = [:]
      isOpen = false
    }
  }

  /// The whole product when it can be said as one dimension.
  var dimension: Dimension {
    if isOpen { return .unknown }
    if symbols.isEmpty { return .known(known) }
    if known == 1, symbols.count == 1, let (name, power) = symbols.first, power == 1 { return .symbol(name) }
    return .unknown
  }

  /// Returns this product divided by `other`. `remainder` is true if the division certainly leaves one.
  func divided(by other: DimensionProduct) -> (quotient: Dimension, remainder: Bool) {
    guard !isOpen, !other.isOpen else { return (.unknown, false) }
    var rest = symbols
    for (name, power) in other.symbols {
      guard let have = rest[name], have >= power else { return (.unknown, false) }
      rest[name] = have == power ? nil : have - power
    }
    guard other.known != 0 else { return (.unknown, known != 0 && rest.isEmpty) }
    guard known % other.known == 0 else { return (.unknown, rest.isEmpty) }
    var quotient = self
    quotient.known = known / other.known
    quotient.symbols = rest
    return (quotient.dimension, false)
  }
}
