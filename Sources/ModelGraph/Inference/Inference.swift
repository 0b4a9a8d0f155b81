import Tensors

/// The result of inference: a type for each value, and the elements of small values that follow from shapes.
public struct Inference: Sendable {
  /// The most elements that a value may have for them to be followed.
  public static let maximumElements = 1024

  /// Types by value index; `nil` where nothing is known.
  public package(set) var types: [ValueType?]
  /// Elements of integer and boolean values of at most ``maximumElements`` elements, in row-major order, as far as
  /// known (a symbol is a dimension of that name; booleans are 0 and 1).
  public package(set) var contents: [ValueID: [Dimension]]
  /// The same of floating-point values that nodes compute; `nil` for an element that is not known.
  public package(set) var reals: [ValueID: [Double?]]

  package init(
    types: [ValueType?], contents: [ValueID: [Dimension]], reals: [ValueID: [Double?]] = [:]
  ) {
    self.types = types
    self.contents = contents
    self.reals = reals
  }

  public subscript(id: ValueID) -> ValueType? { types[id.index] }

  /// The elements of `id` when every one is known.
  public func integers(_ id: ValueID) -> [Int]? {
    guard let elements = contents[id] else { return nil }
    let known = elements.compactMap(\.size)
    return known.count == elements.count ? known : nil
  }

  /// The elements of the floating-point value `id` when every one is known.
  public func floats(_ id: ValueID) -> [Double]? {
    guard let elements = reals[id] else { return nil }
    let known = elements.compactMap { $0 }
    return known.count == elements.count ? known : nil
  }
}
