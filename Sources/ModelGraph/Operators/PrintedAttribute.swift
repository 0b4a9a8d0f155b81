/// One parameter of an operator as text.
package struct PrintedAttribute: Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: some CustomStringConvertible) {
    self.name = name
    self.value = value.description
  }

  /// Sizes along axes: `3x3`.
  package init(_ name: String, _ sizes: [Int]) {
    self.init(name, sizes.map(String.init).joined(separator: "x"))
  }
}
