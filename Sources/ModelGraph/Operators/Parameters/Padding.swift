/// The amount added around an image.
package enum Padding: Sendable, Hashable, Codable {
  /// Begins of every spatial axis, then ends.
  case explicit([Int])
  /// As much that the output is ⌈input/stride⌉, the odd one after / before the image.
  case sameUpper, sameLower
}

extension Padding: Packable {
  package func pack(into writer: inout GraphWriter) {
    switch self {
    case .explicit(let amounts):
      writer.bytes.append(0)
      writer.write(amounts)
    case .sameUpper: writer.bytes.append(1)
    case .sameLower: writer.bytes.append(2)
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .explicit(try reader.read())
    case 1: self = .sameUpper
    case 2: self = .sameLower
    default: throw reader.failure("a padding is of no known kind")
    }
  }
}

extension Padding {
  var printedAttributes: [PrintedAttribute] {
    switch self {
    case .explicit(let amounts): amounts.contains { $0 != 0 } ? [PrintedAttribute("padding", amounts)] : []
    case .sameUpper: [PrintedAttribute("padding", "same, upper")]
    case .sameLower: [PrintedAttribute("padding", "same, lower")]
    }
  }
}
