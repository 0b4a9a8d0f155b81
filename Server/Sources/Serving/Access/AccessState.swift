import ModelStore

/// The decision of ``AccessPolicy``: keys, and what each has left of its rate.
package struct AccessState: Sendable {
  package let rules: AccessRules
  private var entries: [Entry]?

  private struct Entry: Sendable {
    var key: APIKey
    var bucket: TokenBucket?
  }

  package init(rules: AccessRules, keys: [APIKey]?) {
    self.rules = rules
    entries = keys.map { $0.map { Entry(key: $0, bucket: $0.rate.map { TokenBucket(rate: $0) }) } }
  }

  package mutating func replace(keys: [APIKey]) {
    let before = entries ?? []
    entries = keys.map { key in
      let bucket = before.first { $0.key.hash == key.hash && $0.key.rate == key.rate }?.bucket
      return Entry(key: key, bucket: bucket ?? key.rate.map { TokenBucket(rate: $0) })
    }
  }

  /// - Parameters:
  ///   - hash: of the key that came with the request; `nil` when none came.
  ///   - now: nanoseconds of a clock that never goes back.
  /// - Returns: the key's name; empty without keys.
  package mutating func authorize(
    _ hash: ContentHash?, isLoopback: Bool, _ action: AccessAction, at now: UInt64
  ) throws(ServiceError) -> String {
    // Public information stays visible to a caller whose key is gone.
    guard action != .look, let index = try index(of: hash) else {
      try authorizeWithoutKey(isLoopback: isLoopback, action)
      return ""
    }
    guard var entry = entries?[index] else { return "" }
    switch action {
    case .look, .read: return entry.key.name
    case .infer(let model):
      guard entry.key.allows(model: model) else {
        throw ServiceError(.forbidden, "the key '\(entry.key.name)' may not use model '\(shown(model))'")
      }
    case .administer:
      guard entry.key.isAdministrator || rules.administrators == .open else {
        throw ServiceError(.forbidden, "the key '\(entry.key.name)' may not administer the server")
      }
    }
    if let wait = entry.bucket?.take(at: now) {
      throw ServiceError(
        .tooManyRequests, "the key '\(entry.key.name)' has exceeded its request rate", retryAfter: wait)
    }
    entries?[index] = entry
    return entry.key.name
  }

  package var asksForKeys: Bool { entries != nil }

  /// Checks as much as can be known before a request is read: the key, and what may be done without one.
  /// - Throws: ``ServiceError`` with which ``authorize(_:isLoopback:_:at:)`` would refuse any request of the kind.
  package func authenticate(
    _ hash: ContentHash?, isLoopback: Bool, _ kind: AccessAction.Kind
  ) throws(ServiceError) {
    guard kind != .look, try index(of: hash) == nil, entries != nil else { return }
    try authorizeWithoutKey(isLoopback: isLoopback, kind.example)
  }

  /// Returns the key's index among the known keys, or `nil` if no key was given or none is required.
  private func index(of hash: ContentHash?) throws(ServiceError) -> Int? {
    guard let hash, let entries else { return nil }
    // All are compared, each to its end, so that the time says nothing of how close a guess was.
    var found: Int?
    for (index, entry) in entries.enumerated() where entry.key.matches(hash) { found = index }
    guard let found else { throw ServiceError(.unauthenticated, "unknown API key") }
    return found
  }

  private func authorizeWithoutKey(isLoopback: Bool, _ action: AccessAction) throws(ServiceError) {
    switch action {
    case .look: return
    case .read where entries == nil || rules.isReadingOpen: return
    case .infer where entries == nil: return
    case .read, .infer:
      throw ServiceError(
        .unauthenticated, "an API key is required: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
    case .administer:
      switch rules.administrators {
      case .open: return
      case .loopback where isLoopback: return
      case .loopback:
        throw ServiceError(
          .forbidden, "only clients on this machine may administer the server; --admin can allow others")
      case .keys: throw ServiceError(.unauthenticated, "a key with administrator rights is required")
      }
    }
  }
}
