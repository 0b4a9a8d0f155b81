/// The operands of an operator by role, and the number of its results.
package struct Signature: Sendable {
  /// One operand.
  package struct Role: Sendable {
    package var name: String
    /// True when the operand's elements, not only its shape, decide the shapes of results.
    package var decidesShapes: Bool
    package var isOptional = false

    /// An operand whose elements leave all shapes as they are.
    package static func data(_ name: String) -> Role { Role(name: name, decidesShapes: false) }
    /// An operand whose elements decide shapes.
    package static func shape(_ name: String) -> Role { Role(name: name, decidesShapes: true) }
    /// The same operand, which may be left out.
    package static func optional(_ role: Role) -> Role {
      var role = role
      role.isOptional = true
      return role
    }
  }

  /// The roles in order; of a variadic operator, the last role's name stands for all data operands that follow.
  package let roles: [Role]
  /// True if more operands may follow, all of them required.
  package let isVariadic: Bool
  /// Allowed numbers of results.
  package let results: ClosedRange<Int>

  package init(_ roles: Role..., isVariadic: Bool = false, results: ClosedRange<Int> = 1...1) {
    self.roles = roles
    self.isVariadic = isVariadic
    self.results = results
  }

  /// Allowed numbers of operands; those before the lower bound are required.
  package var operands: ClosedRange<Int> {
    let required = (roles.lastIndex { !$0.isOptional } ?? -1) + 1
    return required...(isVariadic ? .max : roles.count)
  }

  /// Returns true if the operand at `index` must be there.
  package func isRequired(_ index: Int) -> Bool {
    index < operands.lowerBound || index >= roles.count && isVariadic
  }

  /// Returns true if the elements of the operand at `index` decide the shapes of results.
  package func decidesShapes(_ index: Int) -> Bool {
    roles.indices.contains(index) && roles[index].decidesShapes
  }
}
