/// Selects the next model file to verify completely, and decides the consequences of the result.
///
/// One file is verified at a time: first those of models whose runs failed, then the rest of the current
/// pass.
package struct IntegrityState: Sendable {
  /// The reason why a version accepts no requests.
  package enum Damage: Sendable, Hashable, CustomStringConvertible {
    case mending(reason: String)
    case lost(reason: String, failure: String)

    package var isBeingMended: Bool { if case .mending = self { true } else { false } }

    /// With other words for what is wrong.
    func map(_ say: (String) -> String) -> Damage {
      switch self {
      case .mending(let reason): .mending(reason: say(reason))
      case .lost(let reason, let failure): .lost(reason: say(reason), failure: say(failure))
      }
    }

    package var description: String {
      switch self {
      case .mending(let reason): "being recompiled because its file was damaged: \(reason)"
      case .lost(let reason, let failure):
        "damaged: \(reason); recompiling failed: \(failure); add the model again to fix it"
      }
    }
  }

  /// The result of verifying a version's file.
  package enum Finding: Sendable, Hashable {
    /// - Parameter identity: the file's, see ``ModelStore/CompiledModel/identity``.
    case whole(identity: String)
    /// The file is whole, and another one than that which is open.
    case replaced(identity: String)
    case damaged(reason: String)
    /// It is not there any more, or could not be looked at.
    case unknown
  }

  package enum Action: Sendable, Hashable {
    /// Ends with ``IntegrityState/checked(_:_:at:)``.
    case check(ModelVersion)
    case show(ModelVersion, Damage?)
    /// Takes the open model out of service when it is another file than this one, which the next request opens.
    case reopen(ModelVersion, identity: String)
    /// Takes it out of service and compiles it again. Ends with ``IntegrityState/mended(_:failure:)``.
    case mend(ModelVersion)
    /// All that the pass had is done.
    case passed
  }

  /// A version that was whole is not doubted again so soon, unless its file has changed: what fails then is no fault of it.
  package static let trust = Duration.seconds(30)

  private var doubted: [ModelVersion] = []
  private var rest: ArraySlice<ModelVersion> = []
  private var current: ModelVersion?
  private var isPassing = false
  private var damage: [ModelVersion: Damage] = [:]
  private var whole: [ModelVersion: (identity: String, time: Duration)] = [:]

  package init() {}

  /// All of these are to be read. Does nothing while a pass is under way.
  package mutating func pass(_ versions: [ModelVersion]) -> [Action] {
    guard !isPassing else { return [] }
    isPassing = true
    rest = versions[...]
    let known = Set(versions)
    whole = whole.filter { known.contains($0.key) }
    let gone = damage.keys.filter { !known.contains($0) && $0 != current }.sorted()
    for version in gone { damage[version] = nil }
    return gone.map { .show($0, nil) } + next()
  }

  /// A run failed because of what the version's file has, or so it seems.
  /// - Parameter identity: that of the file which is open, as it is now; `nil` when none is.
  package mutating func doubt(_ version: ModelVersion, identity: String?, at now: Duration) -> [Action] {
    if let whole = whole[version], identity == nil || whole.identity == identity,
      now - whole.time < Self.trust
    {
      return []
    }
    guard damage[version] == nil, current != version, !doubted.contains(version) else { return [] }
    doubted.append(version)
    return next()
  }

  package mutating func checked(_ version: ModelVersion, _ finding: Finding, at now: Duration) -> [Action] {
    guard current == version else { return [] }
    switch finding {
    case .damaged(let reason):
      damage[version] = .mending(reason: reason)
      whole[version] = nil
      return [.show(version, damage[version]), .mend(version)]
    case .whole(let identity):
      return found(version, identity, at: now, then: [])
    case .replaced(let identity):
      return found(version, identity, at: now, then: [.reopen(version, identity: identity)])
    case .unknown:
      current = nil
      return next()
    }
  }

  private mutating func found(
    _ version: ModelVersion, _ identity: String, at now: Duration, then actions: [Action]
  ) -> [Action] {
    whole[version] = (identity, now)
    // Somebody else has mended it.
    let mended: [Action] = damage.removeValue(forKey: version) == nil ? [] : [.show(version, nil)]
    current = nil
    return actions + mended + next()
  }

  /// - Parameter failure: why it could not be compiled.
  package mutating func mended(_ version: ModelVersion, failure: String?) -> [Action] {
    guard current == version, case .mending(let reason) = damage[version] else { return [] }
    damage[version] = failure.map { .lost(reason: reason, failure: $0) }
    current = nil
    return [.show(version, damage[version])] + next()
  }

  private mutating func next() -> [Action] {
    guard current == nil else { return [] }
    if !doubted.isEmpty {
      current = doubted.removeFirst()
    } else {
      current = rest.popFirst()
    }
    if let current { return [.check(current)] }
    guard isPassing else { return [] }
    isPassing = false
    return [.passed]
  }
}
