/// The combination of the weights that an ensemble's trees give to one target.
package enum TreeAggregation: String, Sendable, Hashable, Codable, Packable {
  case sum, average, minimum, maximum
}
