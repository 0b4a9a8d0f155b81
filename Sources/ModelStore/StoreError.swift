/// An error about compiled models or the store that keeps them.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure: a small closed set, for metric labels and exit statuses.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case notFound, damaged, unsupportedFormat, locked, noSpace, invalidName, invalidModel, system
  }

  package enum Code: Sendable {
    case noModel(name: String, version: Int?, store: String, versions: [Int])
    case damaged(path: String, reason: String)
    case otherFormat(path: String, found: Int, supported: Int)
    case locked(path: String, seconds: Int)
    case noSpace(path: String, needed: Int, free: Int?)
    case invalidName(name: String, reason: String)
    case invalidModel(reason: String)
    case system(action: String, path: String, reason: String)
  }

  private let code: Code

  package init(_ code: Code) { self.code = code }

  public var kind: Kind {
    switch code {
    case .noModel: .notFound
    case .damaged: .damaged
    case .otherFormat: .unsupportedFormat
    case .locked: .locked
    case .noSpace: .noSpace
    case .invalidName: .invalidName
    case .invalidModel: .invalidModel
    case .system: .system
    }
  }

  public var description: String {
    switch code {
    case .noModel(let name, nil, let store, _):
      "there is no model '\(name)' in the store '\(store)'; 'fusedinf list' lists the models"
    case .noModel(let name, .some(let version), let store, let versions):
      "there is no version \(version) of the model '\(name)' in the store '\(store)'"
        + (versions.isEmpty ? "" : "; it has \(versions.map(String.init).joined(separator: ", "))")
    case .damaged(let path, let reason):
      "the compiled model '\(path)' is damaged: \(reason); it can be recompiled from its source in the store"
    case .otherFormat(let path, let found, let supported):
      "the compiled model '\(path)' has format version \(found), this program reads \(supported); "
        + "it can be recompiled from its source in the store"
    case .locked(let path, let seconds):
      "another process has been changing the store for \(seconds) seconds ('\(path)' is locked); retry later"
    case .noSpace(let path, let needed, let free):
      "no space left for '\(path)': \(needed) more bytes are needed"
        + (free.map { ", \($0) are free" } ?? "") + "; remove models or files and retry"
    case .invalidName(let name, let reason):
      "'\(StoreError.shown(name))' cannot be a model's name: \(reason)"
    case .invalidModel(let reason): reason
    case .system(let action, let path, let reason): "cannot \(action) '\(path)': \(reason)"
    }
  }

  /// A name from outside, short and without control characters, line separators and invisible formatting.
  private static func shown(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.prefix(64).map { scalar -> Unicode.Scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "?"
          default: scalar
          }
        }))
      + (name.unicodeScalars.count > 64 ? "…" : "")
  }
}
