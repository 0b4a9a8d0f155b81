import Tensors

/// The type of the tensors in a sequence or an optional.
public struct SequenceContents: Sendable, Hashable, Codable {
  public var elementType: ElementType
  /// The dimensions that all of them have; `nil` when not even their rank is known.
  public var dimensions: [Dimension]?
  /// True for an optional tensor, which holds at most one; an optional sequence is a sequence that may be absent.
  public var isOptional: Bool

  public init(_ elementType: ElementType, _ dimensions: [Dimension]?, isOptional: Bool = false) {
    self.elementType = elementType
    self.dimensions = dimensions
    self.isOptional = isOptional
  }

  /// Returns the certain knowledge about contents that are either of the two.
  func joined(with other: SequenceContents?) -> SequenceContents? {
    guard let other, elementType == other.elementType, isOptional == other.isOptional else { return nil }
    guard let a = dimensions, let b = other.dimensions, a.count == b.count else {
      return SequenceContents(elementType, nil, isOptional: isOptional)
    }
    return SequenceContents(elementType, zip(a, b).map { $0.joined(with: $1) }, isOptional: isOptional)
  }

  /// Returns true if `tensor` can be one of the contents.
  public func accepts(_ tensor: Tensor) -> Bool {
    guard tensor.elementType == elementType else { return false }
    guard let dimensions else { return true }
    return dimensions.count == tensor.shape.rank
      && zip(dimensions, tensor.shape.dims).allSatisfy { $0.size == nil || $0.size == $1 }
  }
}

extension ValueType {
  /// The type of a sequence or an optional with these contents, as far as they are known.
  public init(sequence contents: SequenceContents?) {
    self.init(.sequence, [])
    self.contents = contents
  }

  /// The same with nothing known of the sizes.
  package var open: ValueType {
    elementType == .sequence ? self : ValueType(elementType, nil)
  }
}

extension SequenceContents: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(elementType)
    writer.write(dimensions)
    writer.write(isOptional)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(try reader.read(), try reader.read([Dimension]?.self), isOptional: try reader.read())
  }
}
