/// An ONNX operator that can be read.
public struct SupportedOperator: Sendable, Hashable, Encodable {
  /// `ai.onnx` for ONNX's own.
  public let domain: String
  public let name: String
  /// The first version of the domain from which on it is read.
  public let since: Int
  /// The last one, where there is one.
  public let until: Int?

  /// All of them, by domain and name.
  public static let all: [SupportedOperator] = OperatorImport.all.flatMap { domain, operators in
    operators.map { name, operation in
      SupportedOperator(
        domain: domain.isEmpty ? "ai.onnx" : domain, name: name,
        since: operation.versions.lowerBound,
        until: operation.versions.upperBound == .max ? nil : operation.versions.upperBound)
    }
  }.sorted { ($0.domain, $0.name) < ($1.domain, $1.name) }
}
