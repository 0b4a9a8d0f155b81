/// The combination of several updates that hit one element.
package enum ScatterReduction: String, Sendable, Hashable, Codable, Packable {
  case replace, add, multiply, maximum, minimum
}
