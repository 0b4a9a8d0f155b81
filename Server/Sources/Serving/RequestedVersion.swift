extension Int {
  /// A model's version as requests name it: a number from 1, without a sign or zeros before it.
  /// - Returns: `nil` for the newest, which an empty text asks for.
  /// - Throws: ``ServiceError`` when it is no such number.
  public init?(modelVersion text: String) throws(ServiceError) {
    if text.isEmpty { return nil }
    guard let version = Int(text), version > 0, "\(version)" == text else {
      throw ServiceError(.invalidRequest, "'\(shown(text))' is no version of a model; versions are 1, 2, …")
    }
    self = version
  }
}
