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

  /// The larger of each.
  public func union(_ other: MemberMemory) -> MemberMemory {
    MemberMemory(
      arenaBytes: max(arenaBytes, other.arenaBytes), requestBytes: max(requestBytes, other.requestBytes))
  }
}
