import Device
import Executor

/// A caller, as a transport sees it.
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

/// The kind of access that a request needs.
public enum AccessAction: Sendable, Hashable {
  /// Health, server metadata and whether a model is ready, which everybody may see, whatever key comes with it.
  case look
  /// Reading the list of models, their metadata, statistics and metrics.
  case read
  case infer(model: String)
  /// Loading, unloading, shared memory.
  case administer

  /// An action of which it is not known yet what it is done to.
  public enum Kind: Sendable, Hashable { case look, read, infer, administer }
}

extension AccessAction.Kind {
  /// One of them, for a model without a name.
  var example: AccessAction {
    switch self {
    case .look: .look
    case .read: .read
    case .infer: .infer(model: "")
    case .administer: .administer
    }
  }
}

/// The access rules that apply in addition to the keys' own.
public struct AccessRules: Sendable, Hashable {
  /// The callers that may administer without a key that allows it.
  public enum Administrators: String, Sendable, CaseIterable {
    /// Callers on this machine that give no key.
    case loopback
    /// Nobody.
    case keys
    /// Everybody.
    case open
  }

  public var administrators: Administrators
  /// True if reading needs no key even though keys are required.
  public var isReadingOpen: Bool

  public init(administrators: Administrators = .loopback, isReadingOpen: Bool = false) {
    self.administrators = administrators
    self.isReadingOpen = isReadingOpen
  }
}

/// Decides who may do what. Without API keys everybody may infer, and only this machine may administer.
public final class AccessPolicy: Sendable {
  private let state: Locked<AccessState>

  /// - Parameter keys: `nil`: no key is asked for.
  public init(rules: AccessRules = AccessRules(), keys: [APIKey]? = nil) {
    state = Locked(AccessState(rules: rules, keys: keys))
  }

  /// Replaces the keys. The rate that a key has used up stays used.
  public func replace(keys: [APIKey]) { state.withLock { $0.replace(keys: keys) } }

  /// False where everybody may infer.
  public var asksForKeys: Bool { state.withLock { $0.asksForKeys } }

  /// Refuses callers whose key is missing or unknown, before anything of what they send is read.
  /// - Throws: ``ServiceError``.
  public func authenticate(_ caller: Caller, _ kind: AccessAction.Kind) throws(ServiceError) {
    let hash = caller.key.map(APIKey.hash(of:))
    let state = state.withLock { $0 }
    try state.authenticate(hash, isLoopback: caller.isLoopback, kind)
  }

  /// - Returns: the tenant that the caller is.
  /// - Throws: ``ServiceError``: the key is missing, unknown or not allowed to do this, or asks too often.
  public func authorize(_ caller: Caller, _ action: AccessAction) throws(ServiceError) -> String {
    let now = monotonicNanoseconds()
    // Hashing needs no lock.
    let hash = caller.key.map(APIKey.hash(of:))
    let result: Result<String, ServiceError> = state.withLock { state in
      do throws(ServiceError) {
        return .success(try state.authorize(hash, isLoopback: caller.isLoopback, action, at: now))
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
