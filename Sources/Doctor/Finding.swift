/// What a check says.
public struct Finding: Sendable, Codable, Hashable {
  public enum Verdict: String, Sendable, Codable {
    /// As it should be.
    case ok
    /// It works, and something will be slow or missing.
    case warn
    /// It cannot work.
    case fail
  }

  public var check: String
  public var verdict: Verdict
  /// What was found, and what follows from it.
  public var text: String
  /// What the reader can do.
  public var remedy: String?

  init(_ check: String, _ verdict: Verdict, _ text: String, remedy: String? = nil) {
    self.check = check
    self.verdict = verdict
    self.text = text
    self.remedy = remedy
  }
}
