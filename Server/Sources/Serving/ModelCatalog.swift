import Device
import Engine
import Foundation
import InferenceProtocol
import Linker
import Logging
import ModelStore
import Repository

/// The models that requests can name: what the store has, without what an operator has unloaded, and with what is being
/// compiled or could not be.
///
/// A model is opened when it is first asked for, and stays open: that costs its graph, not its weights.
public final class ModelCatalog: Sendable {
  /// The catalog's entry for one name.
  public struct Entry: Sendable, Hashable {
    /// Ascending; what the store has of it.
    public var versions: [Int] = []
    /// Why its compiled form cannot be used as it is.
    public var problem: String?
    /// An operator has unloaded it.
    public var isUnloaded = false
    /// It is finishing what it runs, and is unloaded then.
    public var isUnloading = false
    /// A version of it is being compiled.
    public var isCompiling = false
    /// Why the last version that was compiled is not there.
    public var failure: String?
    /// Versions whose files are not what was written, and what is being done about it.
    package var damage: [Int: IntegrityState.Damage] = [:]
    /// Versions that are being removed: they finish what they run, and take no more.
    public var leaving: Set<Int> = []
    /// The settings of its versions: from a client's load request, and from the file beside the model.
    public var settings = ModelSettings()
    public var declaredSettings = ModelSettings()
    var effectiveSettings: ModelSettings { settings.over(declaredSettings) }
    /// An operator has unloaded it, or is about to have.
    var takesNoRequests: Bool { isUnloaded || isUnloading }
    /// The version used by requests that name none.
    var newest: Int? { servedVersions.last }
    /// The versions that accept requests, ascending.
    var servedVersions: [Int] { versions.filter { !leaving.contains($0) } }
    /// Counts unloads, so that one that was overtaken by a load changes nothing any more.
    fileprivate var unloads = 0
  }

  private struct State: Sendable {
    var entries: [String: Entry] = [:]
    var open: [Key: LinkableModel] = [:]
    /// The time of each open model's last use, on a clock that counts uses.
    var lastUses: [Key: UInt64] = [:]
    var clock: UInt64 = 0
    var opening: [Key: Task<LinkableModel, any Error>] = [:]
    /// The contents of `config.pbtxt`, by model.
    var configurations: [String: ModelConfiguration] = [:]
    /// Names that are pinned unless somebody says otherwise.
    var pinned: Set<String> = []

    func settings(of name: String) -> ModelSettings {
      let known = entries[name]?.effectiveSettings ?? ModelSettings()
      return known.over(ModelSettings(isPinned: pinned.contains(name) ? true : nil))
    }

    /// Notes that the model of `key` is used now.
    mutating func touch(_ key: Key) {
      clock += 1
      lastUses[key] = clock
    }

    /// Gives out no more the open models that are chosen; runs that hold them go on.
    mutating func close(_ isChosen: (Key) -> Bool) -> [LinkableModel] {
      let keys = open.keys.filter(isChosen).sorted { ($0.name, $0.version) < ($1.name, $1.version) }
      for key in keys { lastUses[key] = nil }
      return keys.compactMap { open.removeValue(forKey: $0) }
    }
  }

  private struct Key: Hashable, Sendable {
    var name: String
    var version: Int
  }

  /// The pipelines that requests can name in addition.
  public let pipelines: PipelineCatalog

  /// Of what it says, clients are told without these.
  let hidden: HiddenPaths
  private let models: ModelRepository
  private let log: Logger
  private let maxOpen: Int
  private let work = BlockingWork("fusedinf.catalog")
  private let state = Locked(State())

  private let onOpen: @Sendable (LinkableModel, ModelSettings) -> Void
  private let isIdle: @Sendable (LinkableModel) -> Bool
  private let onClose: @Sendable (LinkableModel) async -> Void

  /// - Parameter maxOpen: the number of models that stay open; more only while they are in use or pinned.
  /// - Parameter onOpen: called with each model that was opened, before anybody gets it.
  /// - Parameter isIdle: false for a model that is in use and must not be closed to make room for another.
  /// - Parameter onClose: called with each model that is closed to make room, once nobody gets it any more.
  init(
    models: ModelRepository, hiding hidden: HiddenPaths, log: Logger, maxOpen: Int = .max,
    onOpen: @escaping @Sendable (LinkableModel, ModelSettings) -> Void = { _, _ in },
    isIdle: @escaping @Sendable (LinkableModel) -> Bool = { _ in true },
    onClose: @escaping @Sendable (LinkableModel) async -> Void = { _ in }
  ) {
    self.models = models
    self.hidden = hidden
    self.log = log
    self.maxOpen = maxOpen
    self.onOpen = onOpen
    self.isIdle = isIdle
    self.onClose = onClose
    pipelines = PipelineCatalog(log: log)
  }

  /// The entries, by name.
  public var entries: [String: Entry] { state.withLock { $0.entries } }

  /// The names that requests can use: models and pipelines.
  public var names: [String] { Set(entries.keys).union(pipelines.names).sorted() }

  /// The changes found by reading the listing.
  struct Changes: Sendable {
    /// Models that have left the store. They are given out no more; close them.
    var closed: [LinkableModel] = []
    /// Names whose newest version is another one than before.
    var renewed: [String] = []
  }

  /// Reads the store's listing again: other processes add to it and remove from it.
  @discardableResult
  func refresh() async throws -> Changes {
    let listing = try await work.run { [models] in try models.store.list() }
    return state.withLock { state in
      let before = state.entries.mapValues(\.newest)
      let names = Set(listing.map(\.name))
      for entry in listing {
        state.entries[entry.name, default: Entry()].versions = entry.versions
        state.entries[entry.name]?.leaving.formIntersection(entry.versions)
        for version in state.entries[entry.name]?.damage.keys.filter({ !entry.versions.contains($0) }) ?? [] {
          state.entries[entry.name]?.damage[version] = nil
        }
        if case .unusable(let reason) = entry.state {
          state.entries[entry.name]?.problem = hidden.removed(from: reason)
        } else {
          state.entries[entry.name]?.problem = nil
        }
      }
      for name in state.entries.keys where !names.contains(name) {
        state.entries[name]?.versions = []
        state.entries[name]?.leaving = []
        if let entry = state.entries[name], !entry.isCompiling, entry.failure == nil {
          state.entries[name] = nil
        }
      }
      let entries = state.entries
      let closed = state.close { entries[$0.name]?.versions.contains($0.version) != true }
      let renewed = entries.filter { $0.value.newest != nil && before[$0.key] ?? nil != $0.value.newest }
      return Changes(closed: closed, renewed: renewed.keys.sorted())
    }
  }

  /// The model that a request names, opened; compiled again when it has to be.
  /// - Throws: ``ServiceError``: there is none, or it cannot be used.
  public func model(_ name: String, version: Int?) async throws -> LinkableModel {
    enum Found {
      case open(LinkableModel)
      case opening(Task<LinkableModel, any Error>)
    }
    let found: Found = try state.withLock { state in
      let version = try ModelCatalog.available(name, version, state.entries[name])
      let key = Key(name: name, version: version)
      if let model = state.open[key] {
        state.touch(key)
        return .open(model)
      }
      if let opening = state.opening[key] { return .opening(opening) }
      // A task of its own: whoever goes away leaves it to the others that wait.
      let opening = Task { try await open(name, version) }
      state.opening[key] = opening
      return .opening(opening)
    }
    switch found {
    case .open(let model): return model
    case .opening(let task): return try await task.value
    }
  }

  /// One at a time for a version, so that it is compiled again once, and plans are made once.
  private func open(_ name: String, _ version: Int) async throws -> LinkableModel {
    let key = Key(name: name, version: version)
    defer { state.withLock { $0.opening[key] = nil } }
    do {
      // This one, which is being opened, counts.
      let excess = state.withLock { $0.open.count + $0.opening.count } - maxOpen
      if excess > 0 { await close(closeLeastRecentlyUsed(models: excess)) }
      let model = try await openWithRoom(name, version)
      onOpen(model, settings(of: name))
      return try state.withLock { state in
        // It may have been unloaded or removed meanwhile.
        _ = try ModelCatalog.available(name, version, state.entries[name])
        state.open[key] = model
        state.touch(key)
        return model
      }
    } catch let error as ServiceError {
      throw error
    } catch let error as LinkError where error.isTooLarge || error.isTemporary {
      throw ServiceError(error, model: name)
    } catch let error as StoreError where error.kind == .notFound {
      throw ServiceError(.notFound, error.description)
    } catch {
      throw ServiceError(.unavailable, "\(error)")
    }
  }

  /// Attempts to open a model while there is no room for its graph.
  private static let openingAttempts = 50

  /// Opens a version, and closes idle models where its graph has no room beside theirs: each time as many bytes as all times
  /// before, so that few attempts make room for a large model among many small ones.
  private func openWithRoom(_ name: String, _ version: Int) async throws -> LinkableModel {
    var attempt = 0
    var closedBytes = 0
    while true {
      do {
        return try await work.run { [models, log] in
          try models.open(name, version: version) { log.notice("\($0)", metadata: ["model": "\(name)"]) }
        }
      } catch let error as LinkError where error.isTemporary && attempt < Self.openingAttempts {
        attempt += 1
        let closed = closeLeastRecentlyUsed(bytes: closedBytes)
        closedBytes = closed.reduce(closedBytes) { $0 + $1.footprint }
        await close(closed)
        if closed.isEmpty {
          // Requests that end let go of models that were closed, or are no longer busy.
          try await Task.sleep(for: .milliseconds(20))
        }
      }
    }
  }

  /// Models that are given out no more are closed, to make room for another.
  private func close(_ models: [LinkableModel]) async {
    for model in models {
      log.debug("closed to make room", metadata: ["model": "\(model.name)"])
      await onClose(model)
    }
  }

  /// Gives out no more the idle models that were not used for the longest time: so many, and more until they are so many bytes.
  private func closeLeastRecentlyUsed(models count: Int = 1, bytes: Int = 0) -> [LinkableModel] {
    state.withLock { state in
      var oldest: Set<Key> = []
      var sum = 0
      for (key, model) in state.open.sorted(by: {
        state.lastUses[$0.key] ?? 0 < state.lastUses[$1.key] ?? 0
      }) {
        guard oldest.count < count || sum < bytes else { break }
        guard isIdle(model), state.settings(of: key.name).isPinned != true else { continue }
        oldest.insert(key)
        sum += model.footprint
      }
      return state.close { oldest.contains($0) }
    }
  }

  /// The version that a request for `version` gets.
  private static func available(_ name: String, _ version: Int?, _ entry: Entry?) throws -> Int {
    // Swift holds names to be equal that differ in their normalisation alone; those of models are all composed.
    guard let entry, name.isComposed else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    if entry.isUnloaded || entry.isUnloading {
      throw ServiceError(
        .unavailable, "model '\(name)' is unloaded; load it with POST v2/repository/models/\(name)/load")
    }
    let versions = entry.servedVersions
    guard let newest = versions.last else {
      if !entry.leaving.isEmpty, !entry.isCompiling {
        throw ServiceError(.notFound, "model '\(name)' is being removed")
      }
      if let failure = entry.failure {
        throw ServiceError(.unavailable, "model '\(name)' could not be compiled: \(failure)")
      }
      throw ServiceError(.unavailable, "model '\(name)' is being compiled", retryAfter: .seconds(1))
    }
    guard let version else { return try whole(newest, of: name, entry) }
    guard versions.contains(version) else {
      throw ServiceError(
        .notFound,
        "model '\(name)' has no version \(version); it has "
          + versions.map(String.init).joined(separator: ", "))
    }
    return try whole(version, of: name, entry)
  }

  /// - Throws: ``ServiceError`` when the version's file is damaged.
  private static func whole(_ version: Int, of name: String, _ entry: Entry) throws -> Int {
    guard let damage = entry.damage[version] else { return version }
    throw ServiceError(
      .unavailable, "model '\(name)' is \(damage)", retryAfter: damage.isBeingMended ? .seconds(1) : nil)
  }

  /// Sets the state shown for a version's file.
  func show(_ version: ModelVersion, _ damage: IntegrityState.Damage?) {
    let told = damage.map { $0.map { hidden.removed(from: $0) } }
    state.withLock { $0.entries[version.name]?.damage[version.version] = told }
  }

  /// The version that a request for `version` of a model gets.
  /// - Throws: ``ServiceError``: there is none, or it cannot be used.
  func availableVersion(_ name: String, _ version: Int?) throws -> Int {
    try state.withLock { try ModelCatalog.available(name, version, $0.entries[name]) }
  }

  /// True when the name is a pipeline's, and no model's.
  public func isPipeline(_ name: String) -> Bool { entries[name] == nil && pipelines.contains(name) }

  /// True when a request for it would be taken.
  public func isReady(_ name: String, version: Int?) -> Bool {
    (try? checkReady(name, version: version)) != nil
  }

  /// - Throws: ``ServiceError`` with which a request for it would be refused.
  public func checkReady(_ name: String, version: Int?) throws {
    if isPipeline(name) { return try pipelines.checkReady(name, version: version, models: self) }
    _ = try availableVersion(name, version)
  }

  /// - Throws: ``ServiceError`` when nothing is known by that name, or it has not that version.
  public func checkKnown(_ name: String, version: Int?) throws {
    guard name.isComposed, let entry = entries[name] else {
      if pipelines.contains(name) { return try pipelines.checkKnown(name, version: version) }
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    if let version, !entry.versions.contains(version) {
      throw ServiceError(.notFound, "model '\(name)' has no version \(version)")
    }
  }

  /// Changes what is known of a name.
  public func update(_ name: String, _ body: @Sendable (inout Entry) -> Void) {
    state.withLock { state in
      body(&state.entries[name, default: Entry()])
    }
  }

  /// The models of a name that are open.
  public func opened(_ name: String) -> [LinkableModel] {
    state.withLock { state in
      state.open.filter { $0.key.name == name }.sorted { $0.key.version < $1.key.version }.map(\.value)
    }
  }

  /// All models that are open.
  public var openModels: [LinkableModel] {
    state.withLock {
      $0.open.sorted { ($0.key.name, $0.key.version) < ($1.key.name, $1.key.version) }.map(\.value)
    }
  }

  /// Returns the settings of a name, merged from all sources.
  func settings(of name: String) -> ModelSettings { state.withLock { $0.settings(of: name) } }

  /// These are pinned unless a load or what lies beside their files says otherwise.
  func pin(_ names: [String]) { state.withLock { $0.pinned.formUnion(names) } }

  /// The open model that requests without a version get.
  func newestOpen(_ name: String) -> LinkableModel? {
    state.withLock { state in
      let version = try? ModelCatalog.available(name, nil, state.entries[name])
      return version.flatMap { state.open[Key(name: name, version: $0)] }
    }
  }

  /// The open models of a version are given out no more; the next request opens its file again.
  /// - Returns: what is to be closed.
  func close(_ version: ModelVersion) -> [LinkableModel] {
    state.withLock { $0.close { $0.name == version.name && $0.version == version.version } }
  }

  /// Waits until nobody opens this version.
  func opening(_ version: ModelVersion) async {
    let key = Key(name: version.name, version: version.version)
    _ = try? await state.withLock { $0.opening[key] }?.value
  }

  /// Takes what `config.pbtxt` says, by model.
  func configure(_ configurations: [String: ModelConfiguration]) {
    state.withLock { $0.configurations = configurations }
  }

  /// The contents of a model's `config.pbtxt`; `nil` if there is none.
  func configuration(of name: String) -> ModelConfiguration? { state.withLock { $0.configurations[name] } }

  /// Takes no more requests for some versions of a name.
  /// - Returns: the models of them that were open; close them.
  func beginLeaving(_ name: String, _ versions: [Int]) -> [LinkableModel] {
    state.withLock { state in
      if let known = state.entries[name]?.versions {
        state.entries[name]?.leaving.formUnion(Set(versions).intersection(known))
      }
      return state.close { $0.name == name && versions.contains($0.version) }
    }
  }

  /// Sets the state shown for a name in addition to its versions. Without either argument the name is
  /// forgotten.
  func show(_ name: String, isCompiling: Bool, failure: String?) {
    let failure = failure.map { hidden.removed(from: $0) }
    state.withLock { state in
      state.entries[name, default: Entry()].isCompiling = isCompiling
      state.entries[name]?.failure = failure
      if !isCompiling, failure == nil, state.entries[name]?.versions.isEmpty == true {
        state.entries[name] = nil
      }
    }
  }

  /// Takes no more requests for a name.
  /// - Returns: what ``endUnloading(_:_:)`` takes, and the models that were open; close them.
  func beginUnloading(_ name: String) -> (turn: Int, models: [LinkableModel]) {
    state.withLock { state in
      state.entries[name, default: Entry()].isUnloading = true
      state.entries[name]?.unloads &+= 1
      return (state.entries[name]?.unloads ?? 0, state.close { $0.name == name })
    }
  }

  /// All models of a name are closed. It is unloaded then, unless it was loaded or unloaded again since.
  func endUnloading(_ name: String, _ turn: Int) {
    state.withLock { state in
      guard let entry = state.entries[name], entry.isUnloading, entry.unloads == turn else { return }
      state.entries[name]?.isUnloading = false
      state.entries[name]?.isUnloaded = true
    }
  }

  /// The index of all models and versions, by name.
  public var index: [RepositoryIndexEntry] {
    let entries = entries
    let pipelines = pipelines.index(self).map { row in
      guard entries[row.name] != nil else { return row }
      return RepositoryIndexEntry(
        name: row.name, version: "", state: .unavailable, reason: "a model has the pipeline's name")
    }
    return (modelIndex + pipelines).sorted { $0.name < $1.name }
  }

  private var modelIndex: [RepositoryIndexEntry] {
    entries.sorted { $0.key < $1.key }.flatMap { name, entry in
      var rows = entry.versions.map { version in
        if let damage = entry.damage[version] {
          return RepositoryIndexEntry(
            name: name, version: "\(version)", state: damage.isBeingMended ? .loading : .unavailable,
            reason: damage.description)
        }
        return RepositoryIndexEntry(
          name: name, version: "\(version)",
          state: entry.isUnloading || entry.leaving.contains(version)
            ? .unloading : entry.isUnloaded ? .unavailable : .ready,
          reason: entry.leaving.contains(version)
            ? "being removed" : entry.isUnloading || entry.isUnloaded ? "unloaded" : "")
      }
      if entry.isCompiling {
        rows.append(RepositoryIndexEntry(name: name, version: "", state: .loading, reason: "being compiled"))
      } else if let failure = entry.failure {
        rows.append(RepositoryIndexEntry(name: name, version: "", state: .unavailable, reason: failure))
      }
      return rows
    }
  }
}

/// A name from outside as it may stand in a message: short, without control characters, line separators and invisible
/// formatting.
public func shown(_ name: String) -> String {
  let scalars = name.unicodeScalars.prefix(64).map { scalar -> Unicode.Scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
    default: scalar
    }
  }
  return String(String.UnicodeScalarView(scalars)) + (name.unicodeScalars.count > 64 ? "…" : "")
}
