/// What inference found: a type for each value, and the elements of those that are small and follow from shapes.
public struct Inference: Sendable {
  /// Types by value index; `nil` where nothing is known.
  public package(set) var types: [ValueType?]
  /// Elements of integer values of at most 1,024 elements, as far as known (a symbol is a dimension of that name).
  public package(set) var contents: [ValueID: [Dimension]]

  package init(types: [ValueType?], contents: [ValueID: [Dimension]]) {
    self.types = types
    self.contents = contents
  }

  public subscript(id: ValueID) -> ValueType? { types[id.index] }

  /// The elements of `id` when every one is known.
  public func integers(_ id: ValueID) -> [Int]? {
    guard let elements = contents[id] else { return nil }
    let known = elements.compactMap(\.size)
    return known.count == elements.count ? known : nil
  }
}
