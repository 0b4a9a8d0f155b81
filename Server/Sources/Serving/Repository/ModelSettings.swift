/// How a model is kept, beside what it computes.
public struct ModelSettings: Sendable, Hashable {
  /// How long it stays resident while nobody uses it; `nil`: the server's setting.
  public var keepAlive: Duration?
  /// It is brought in and stays resident.
  public var isPinned: Bool?

  public init(keepAlive: Duration? = nil, isPinned: Bool? = nil) {
    self.keepAlive = keepAlive
    self.isPinned = isPinned
  }

  /// What these settings say, and where they say nothing what `others` say.
  func over(_ others: ModelSettings) -> ModelSettings {
    ModelSettings(keepAlive: keepAlive ?? others.keepAlive, isPinned: isPinned ?? others.isPinned)
  }
}
