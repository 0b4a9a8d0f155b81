/// A set of Unicode scalars: ascending ranges that neither touch nor overlap.
package struct ScalarSet: Sendable, Hashable {
  package private(set) var ranges: [ClosedRange<UInt32>]

  package static let largest: UInt32 = 0x10ffff
  package static let all = ScalarSet([0...largest])

  package init(_ ranges: [ClosedRange<UInt32>] = []) {
    self.ranges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = self.ranges.last,
        range.lowerBound <= last.upperBound || range.lowerBound - last.upperBound == 1
      {
        self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        self.ranges.append(range)
      }
    }
  }

  /// The scalars of a text.
  init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  /// All other scalars.
  var inverted: ScalarSet {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= Self.largest { gaps.append(next...Self.largest) }
    return ScalarSet(gaps)
  }

  func contains(_ scalar: UInt32) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= scalar
  }

  /// The set with every scalar that differs from one of its own only in case.
  var foldingCase: ScalarSet {
    var added: [ClosedRange<UInt32>] = []
    for orbit in Self.orbits where orbit.contains(where: contains) { added += orbit.map { $0...$0 } }
    return ScalarSet(ranges + added)
  }

  /// The scalars that are equal without regard to case, by Unicode's simple mappings.
  private static let orbits: [[UInt32]] = {
    // Every letter with a case is in one of these ranges. The dotless i and the capital i with a dot have no other case.
    let cased: [ClosedRange<UInt32>] = [
      0x41...0x10ff, 0x13a0...0x2dff, 0xa640...0xabbf, 0xff21...0xff5a, 0x10400...0x10fff, 0x118a0...0x118df,
      0x16e40...0x16e7f, 0x1e900...0x1e943,
    ]
    var orbits: [UInt32: [UInt32]] = [:]
    for value in cased.joined() where value != 0x130 && value != 0x131 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let folded = scalar.simpleUppercase.simpleLowercase.value
      orbits[folded, default: []].append(value)
    }
    return orbits.values.filter { $0.count > 1 }
  }()
}

extension Unicode.Scalar {
  /// The scalar in upper case, if that is one scalar; else itself.
  package var simpleUppercase: Unicode.Scalar {
    if value < 0x80 { return 0x61...0x7a ~= value ? Unicode.Scalar(UInt8(value) - 32) : self }
    let mapped = properties.uppercaseMapping.unicodeScalars
    return mapped.count == 1 ? mapped.first ?? self : self
  }

  /// The scalar in lower case, if that is one scalar; else itself.
  package var simpleLowercase: Unicode.Scalar {
    if value < 0x80 { return 0x41...0x5a ~= value ? Unicode.Scalar(UInt8(value) + 32) : self }
    let mapped = properties.lowercaseMapping.unicodeScalars
    return mapped.count == 1 ? mapped.first ?? self : self
  }
}
