import Tensors

/// One size of a tensor as far as it is known before the inputs are.
public enum Dimension: Sendable, Hashable, Codable {
  case known(Int)
  /// A size that is the same wherever this name stands in one graph ("batch").
  case symbol(String)
  case unknown

  /// The size when it is known.
  public var size: Int? { if case .known(let size) = self { size } else { nil } }
}

/// The element type and, as far as known, the shape of a value.
public struct ValueType: Sendable, Hashable, Codable {
  public var elementType: ElementType
  /// The dimensions; `nil` when not even the rank is known.
  public var dimensions: [Dimension]?
  /// The type of the tensors in a sequence, where it is known.
  public var contents: SequenceContents?

  /// A sequence is a scalar, whatever `dimensions` are.
  public init(_ elementType: ElementType, _ dimensions: [Dimension]?) {
    self.elementType = elementType
    self.dimensions = elementType == .sequence ? [] : dimensions
  }

  /// A fully known type.
  public init(_ elementType: ElementType, _ shape: Shape) {
    self.init(elementType, shape.dims.map { .known($0) })
  }

  /// The shape when every dimension is known and in bounds.
  public var shape: Shape? {
    guard let dimensions else { return nil }
    let sizes = dimensions.compactMap(\.size)
    return sizes.count == dimensions.count ? try? Shape(checking: sizes) : nil
  }

  /// The number of axes when known.
  public var rank: Int? { dimensions?.count }
}

extension ValueType: CustomStringConvertible {
  public var description: String {
    guard let dimensions else { return "\(elementType)[*]" }
    return "\(elementType)\(ValueType.text(dimensions))"
  }
}
