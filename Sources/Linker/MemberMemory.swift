import Device

/// The memory that a member takes in addition to its weights.
public struct MemberMemory: Sendable, Hashable {
  /// Bytes of its share of the arena.
  public var arenaBytes: Int
  /// Bytes of its tensors on the host: inputs, outputs, and what it carries to where shapes depended on data.
  public var requestBytes: Int

  public init(arenaBytes: Int, requestBytes: Int) {
    self.arenaBytes = arenaBytes
    self.requestBytes = requestBytes
  }

  /// Adds tensors on the host; what cannot be counted is `Int.max`, which fits nowhere.
  public mutating func add(requestBytes more: Int) {
    requestBytes = requestBytes.adding(saturating: more)
  }

  /// Page-rounded bytes of both together; `nil` when they cannot be counted.
  public var byteCount: Int? {
    guard requestBytes <= Int.max / 2, arenaBytes <= Int.max / 4 else { return nil }
    return roundedToPages(arenaBytes) + roundedToPages(requestBytes)
  }

  /// True when it is no more than `limit` bytes.
  public func fits(_ limit: Int) -> Bool { byteCount.map { $0 <= limit } ?? false }

  /// The larger of each.
  public func union(_ other: MemberMemory) -> MemberMemory {
    MemberMemory(
      arenaBytes: max(arenaBytes, other.arenaBytes), requestBytes: max(requestBytes, other.requestBytes))
  }
}
