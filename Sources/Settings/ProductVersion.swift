/// The version of FusedInf that both programs, the server's metadata and its page report.
public enum ProductVersion {
  /// A [semantic version](https://semver.org/spec/v2.0.0.html).
  public static let text = "0.2.0"
}
