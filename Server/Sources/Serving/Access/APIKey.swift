import Foundation
import ModelStore

/// One API key: its owner and its permissions. Only its hash is kept, not the key itself.
public struct APIKey: Sendable, Hashable {
  /// A key's request rate.
  public struct Rate: Sendable, Hashable {
    /// Requests a second, over time.
    public var perSecond: Double
    /// Requests at once; at least 1.
    public var burst: Double

    public init(perSecond: Double, burst: Double? = nil) {
      self.perSecond = perSecond
      self.burst = max(1, burst ?? perSecond)
    }
  }

  /// The tenant that its requests count as.
  public var name: String
  /// SHA-256 of the key. Keys are 256 random bits, so a slow hash would add nothing.
  public var hash: ContentHash
  /// Names of models that it may use; `*` stands for any letters and `?` for one.
  public var models: [NamePattern]
  /// `nil`: as often as it likes.
  public var rate: Rate?
  public var isAdministrator: Bool

  public init(
    name: String, hash: ContentHash, models: [NamePattern] = [NamePattern("*")], rate: Rate? = nil,
    isAdministrator: Bool = false
  ) {
    self.name = name
    self.hash = hash
    self.models = models
    self.rate = rate
    self.isAdministrator = isAdministrator
  }

  package func allows(model: String) -> Bool { models.contains { $0.matches(model) } }

  /// True for this key's hash; takes as long for any other.
  package func matches(_ other: ContentHash) -> Bool {
    var difference: UInt8 = 0
    for (mine, theirs) in zip(hash.bytes, other.bytes) { difference |= mine ^ theirs }
    return difference == 0
  }

  package static func hash(of key: String) -> ContentHash { ContentHash(of: Array(key.utf8)) }

  /// A new key of 256 random bits, and the hash that stands for it.
  public static func make() -> (key: String, hash: ContentHash) {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let text = Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    let key = "fusedinf_" + text
    return (key, hash(of: key))
  }
}
