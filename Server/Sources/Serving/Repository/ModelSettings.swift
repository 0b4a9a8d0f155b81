/// The residency settings of a model.
public struct ModelSettings: Sendable, Hashable {
  /// The time that the model stays resident while it is idle; `nil` for the server's setting.
  public var keepAlive: Duration?
  /// True to load the model and keep it resident.
  public var isPinned: Bool?

  public init(keepAlive: Duration? = nil, isPinned: Bool? = nil) {
    self.keepAlive = keepAlive
    self.isPinned = isPinned
  }

  /// Returns these settings, completed by those of `others`.
  func over(_ others: ModelSettings) -> ModelSettings {
    ModelSettings(keepAlive: keepAlive ?? others.keepAlive, isPinned: isPinned ?? others.isPinned)
  }
}
