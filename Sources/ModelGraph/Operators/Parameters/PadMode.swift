/// The elements that surround a padded tensor.
package enum PadMode: String, Sendable, Hashable, Codable, Packable { case constant, reflect, edge, wrap }
