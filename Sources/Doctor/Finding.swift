/// The result of one check.
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
  /// The observation and its consequence.
  public var text: String
  /// The remedy, addressed to the reader.
  public var remedy: String?

  init(_ check: String, _ verdict: Verdict, _ text: String, remedy: String? = nil) {
    self.check = check
    self.verdict = verdict
    self.text = text
    self.remedy = remedy
  }
}
