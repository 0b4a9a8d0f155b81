import Tensors

/// The form in which a product of integers gives its sums.
package enum ProductResult: Sendable, Hashable, Codable {
  /// The sums themselves, `int32`, which wrap.
  case sums
  /// Each sum times the scale, `float32`.
  case floats
  /// Each sum times the scale, rounded to the nearest (ties to even), plus the zero point, limited to a range.
  case levels(QuantizedRange)
  /// The numbers that levels stand for, `float32`: each sum times the scale, rounded to the nearest (ties to even), limited to a
  /// range within ±255, times the step.
  case rounded(minimum: Int, maximum: Int)

  /// The element type of the result.
  package var elementType: ElementType {
    switch self {
    case .sums: .int32
    case .floats, .rounded: .float32
    case .levels(let range): range.isSigned ? .int8 : .uint8
    }
  }

  /// The same for readers.
  var printedAttributes: [PrintedAttribute] {
    switch self {
    case .sums: []
    case .floats: [PrintedAttribute("to", elementType.shortName)]
    case .levels(let range):
      [PrintedAttribute("to", elementType.shortName)]
        + (range.isWhole ? [] : [PrintedAttribute("range", "\(range.minimum)…\(range.maximum)")])
    case .rounded(let minimum, let maximum):
      [
        PrintedAttribute("to", elementType.shortName),
        PrintedAttribute("rounded", "\(minimum)…\(maximum)"),
      ]
    }
  }
}

/// A range of 8-bit levels. An activation before the rounding is one: a Relu begins it at the zero point.
package struct QuantizedRange: Sendable, Hashable, Codable {
  package var isSigned: Bool
  package var minimum: Int
  package var maximum: Int

  package init(isSigned: Bool, minimum: Int? = nil, maximum: Int? = nil) {
    let (lowest, highest) = isSigned ? (-128, 127) : (0, 255)
    self.isSigned = isSigned
    self.minimum = Swift.min(Swift.max(minimum ?? lowest, lowest), highest)
    self.maximum = Swift.min(Swift.max(maximum ?? highest, lowest), highest)
  }

  /// True when every level of the type is in it.
  package var isWhole: Bool { self == QuantizedRange(isSigned: isSigned) }
}

extension QuantizedRange: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(isSigned, minimum, maximum) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let isSigned = try reader.read(Bool.self)
    self.init(isSigned: isSigned, minimum: try reader.read(Int.self), maximum: try reader.read(Int.self))
  }
}

extension ProductResult: Packable {
  package func pack(into writer: inout GraphWriter) {
    switch self {
    case .sums: writer.bytes.append(0)
    case .floats: writer.bytes.append(1)
    case .levels(let range):
      writer.bytes.append(2)
      range.pack(into: &writer)
    case .rounded(let minimum, let maximum):
      writer.bytes.append(3)
      writer.write(minimum, maximum)
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .sums
    case 1: self = .floats
    case 2: self = .levels(try QuantizedRange(unpacking: &reader))
    case 3:
      let (minimum, maximum) = (try reader.read(Int.self), try reader.read(Int.self))
      guard -255 <= minimum, minimum <= maximum, maximum <= 255 else {
        throw reader.failure("a product of integers is rounded to \(minimum)…\(maximum)")
      }
      self = .rounded(minimum: minimum, maximum: maximum)
    default: throw reader.failure("a product of integers has a result of no known kind")
    }
  }
}
