/// Why a reservation was not granted.
public struct ResidencyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure: a small closed set, usable as a metric label.
  public enum Kind: String, Sendable, Hashable, Codable {
    case doesNotFit, invalidSize, cancelled, notReserved, noRoomNow
  }

  package enum Code: Hashable, Sendable {
    /// `pinned`: bytes that others' pinned items take of the budget.
    case doesNotFit(owner: String, needed: Int, budget: Int, pinned: Int)
    case invalidSize(owner: String)
    case sizeMismatch(owner: String, ItemID, asked: Int, resident: Int)
    case cancelled(owner: String)
    case noRoomNow(owner: String)
    case notReserved(ItemID, owner: String)
  }

  package let code: Code
  package init(_ code: Code) { self.code = code }

  public var kind: Kind {
    switch code {
    case .doesNotFit: .doesNotFit
    case .invalidSize, .sizeMismatch: .invalidSize
    case .cancelled: .cancelled
    case .noRoomNow: .noRoomNow
    case .notReserved: .notReserved
    }
  }

  public var description: String {
    switch code {
    case .doesNotFit(let owner, let needed, let budget, let pinned):
      "model '\(owner)' needs \(size(needed)) and does not fit the budget of \(size(budget))"
        + (pinned > 0
          ? ", of which other pinned models keep \(size(pinned)): unpin one, or raise the budget"
          : ": raise the budget, or run it with a smaller batch or input")
    case .invalidSize(let owner): "model '\(owner)' asks for a negative or uncountable number of bytes"
    case .sizeMismatch(let owner, let id, let asked, let resident):
      "model '\(owner)' expects \(asked) bytes of \(id), which has \(resident): run 'fusedinf verify'"
    case .cancelled(let owner): "the reservation of model '\(owner)' was cancelled"
    case .noRoomNow(let owner): "there is no room for model '\(owner)' now"
    case .notReserved(let id, let owner): "model '\(owner)' has not reserved \(id)"
    }
  }
}

/// `bytes` as a person reads it, and exactly.
private func size(_ bytes: Int) -> String {
  let mebibytes = Double(bytes) / 1_048_576
  let rounded = (mebibytes * 10).rounded(.up) / 10
  return "\(rounded) MiB (\(bytes) bytes)"
}
