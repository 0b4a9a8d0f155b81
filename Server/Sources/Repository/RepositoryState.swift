/// Decides what is done about the models in a watched folder and those that clients send: what is compiled when, what is
/// removed, and what the index says meanwhile. It does nothing by itself: each event returns the actions that follow.
///
/// Times are durations since any one moment.
public struct RepositoryState: Sendable {
  /// An action to carry out.
  public enum Action: Sendable, Hashable {
    /// Compile it, and say ``finished(_:_:at:)`` when that ended, however it ended.
    case start(CompileJob)
    /// End a compilation that was started; it still says that it has ended.
    case stop(job: Int)
    /// Take no more requests for these versions, finish those that there are, delete them from the store, and say
    /// ``removed(_:versions:at:)``.
    case remove(name: String, versions: [Int])
    /// The index's entry for a name, in addition to its versions.
    case show(name: String, Phase)
    /// Follow the settings that lie beside a model.
    case follow(name: String, sidecar: String?)
    /// Tell whoever sent or asked for this how it ended.
    case answer(job: Int, CompileOutcome)
    /// Say ``passed(at:)`` then.
    case wake(at: Duration)
    /// The folder seems not to be the one that models came from: nothing follows from what is not in it.
    case doubt
  }

  /// The state of a name in the index, in addition to its versions.
  public enum Phase: Sendable, Hashable {
    case idle
    case compiling
    case failed(String)
  }

  private struct Failure: Sendable {
    var fingerprint: String
    var reason: String
    /// `nil`: not before the file changes.
    var retryAt: Duration?
    var attempts = 1
  }

  private struct Model: Sendable {
    var found: FoundModel?
    /// When it was first seen as it is now, or first not seen any more.
    var since = Duration.zero
    /// The fingerprint that its newest version was made from.
    var madeFrom: String?
    var failure: Failure?
    /// The versions that came from here, and where from.
    var versions: [Int: CompileJob.Origin] = [:]
    /// The versions that are being removed.
    var leaving: Set<Int> = []
    var shown = Phase.idle
    /// The settings beside the model that were applied last.
    var followed: String?

    /// It lies in the folder, or versions came from there that stay for as long as it does.
    var isOfFolder: Bool {
      found != nil || versions.contains { $0.value == .folder && !leaving.contains($0.key) }
    }
  }

  private struct Running: Sendable {
    var job: CompileJob
    var isStopped = false
  }

  /// The time that a file must stay unchanged to count as complete, or absent to count as removed.
  private let settle: Duration
  /// A file whose writer is never seen to close it is taken after this.
  private static let patience = Duration.seconds(60)
  private let keepVersions: Int
  private let maxRunning: Int
  private var models: [String: Model] = [:]
  private var writing: Set<String> = []
  private var queue: [CompileJob] = []
  private var running: [Int: Running] = [:]
  private var lastJob = 0
  private var nextWake: Duration?
  /// The folder's location when models were last seen in it.
  private var place: String?
  /// True while the folder seems to be another one.
  public private(set) var isDoubtful = false

  /// - Parameters:
  ///   - settle: how long a file has to be as it is before it is taken for whole, or for gone.
  ///   - keepVersions: how many versions of a name stay when a newer one comes.
  ///   - maxRunning: how many compilations run at one time.
  public init(settle: Duration, keepVersions: Int = 2, maxRunning: Int = 1) {
    self.settle = settle
    self.keepVersions = max(1, keepVersions)
    self.maxRunning = max(1, maxRunning)
  }

  // MARK: Events

  /// Records the store's versions from earlier runs. Called before any other event.
  /// - Parameter madeFrom: the fingerprint of the newest version's source.
  public mutating func restored(_ name: String, versions: [Int: CompileJob.Origin], madeFrom: String?) {
    models[name] = Model(madeFrom: madeFrom, versions: versions)
  }

  /// The folder was looked at. One without any model, though some came from it, was emptied when it is the same folder in
  /// which models were seen before. Else its disk may not be mounted: nothing leaves before a model is seen again.
  /// - Parameter place: names the folder, as ``RepositoryFolder/Listing/place``.
  public mutating func saw(_ found: [FoundModel], in place: String = "", at now: Duration) -> [Action] {
    if found.isEmpty, place != self.place, models.values.contains(where: \.isOfFolder) {
      let isNews = !isDoubtful
      isDoubtful = true
      return (isNews ? [.doubt] : []) + decide(at: now)
    }
    isDoubtful = false
    if !found.isEmpty { self.place = place }
    let byName = Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    writing.formIntersection(found.flatMap(\.files))
    for name in Set(models.keys).union(byName.keys) {
      var model = models[name] ?? Model()
      if model.found != byName[name] || models[name] == nil {
        // A file present at the start has existed for as long as its own times say. Waiting once is cheap.
        model.found = byName[name]
        model.since = now
      } else if model.found == nil, model.since == .zero {
        model.since = now
      }
      models[name] = model
    }
    return decide(at: now)
  }

  /// A file was changed by somebody who has not closed it yet.
  public mutating func written(_ path: String) { writing.insert(path) }

  /// A file was closed by who wrote it, or moved to its place.
  public mutating func closed(_ path: String) { writing.remove(path) }

  /// Events were lost: nothing is known any more of who writes.
  public mutating func lostEvents() { writing = [] }

  /// Time has passed.
  public mutating func passed(at now: Duration) -> [Action] {
    if let wake = nextWake, wake <= now { nextWake = nil }
    return decide(at: now)
  }

  /// A client sent a model.
  /// - Returns: the job's number, which its answer will carry.
  public mutating func sent(
    _ name: String, path: String, at now: Duration
  ) -> (job: Int, actions: [Action]) {
    let job = newJob(name, path: path, origin: .upload)
    return (job.id, decide(at: now))
  }

  /// A client requests a model whose compilation failed.
  /// - Returns: the number of the job whose answer will say how that went; `nil` when there is nothing to compile.
  public mutating func retried(_ name: String, at now: Duration) -> (job: Int?, actions: [Action]) {
    if models[name]?.found != nil { models[name]?.failure = nil }
    let actions = decide(at: now)
    let job = (running.values.filter { !$0.isStopped }.map(\.job) + queue).first { $0.name == name }
    return (job?.id, actions)
  }

  /// A compilation has ended.
  public mutating func finished(_ id: Int, _ outcome: CompileOutcome, at now: Duration) -> [Action] {
    guard let run = running.removeValue(forKey: id) else { return [] }
    let job = run.job
    var model = models[job.name] ?? Model()
    switch outcome {
    case .compiled(let version):
      // Also of a job that was stopped too late.
      model.versions[version] = job.origin
      if job.origin == .folder { model.madeFrom = job.fingerprint }
      model.failure = nil
      model.followed = nil
    case .unchanged:
      if job.origin == .folder { model.madeFrom = job.fingerprint }
      model.failure = nil
      model.followed = nil
    case .rejected(let reason):
      if job.origin == .folder {
        model.failure = Failure(fingerprint: job.fingerprint, reason: reason, retryAt: nil)
      }
    case .failed(let reason):
      guard job.origin == .folder else { break }
      let attempts = model.failure.map { $0.fingerprint == job.fingerprint ? $0.attempts + 1 : 1 } ?? 1
      model.failure = Failure(
        fingerprint: job.fingerprint, reason: reason, retryAt: now + RepositoryState.delay(after: attempts),
        attempts: attempts)
    case .stopped: break
    }
    models[job.name] = model
    return decide(at: now) + [.answer(job: id, outcome)]
  }

  /// Versions have left the store.
  public mutating func removed(_ name: String, versions: [Int], at now: Duration) -> [Action] {
    for version in versions {
      models[name]?.versions[version] = nil
      models[name]?.leaving.remove(version)
    }
    return decide(at: now)
  }

  /// 5 s, 10 s, … ten minutes.
  private static func delay(after attempts: Int) -> Duration {
    .seconds(min(600, 5 << min(attempts - 1, 7)))
  }

  // MARK: Decisions

  private mutating func newJob(
    _ name: String, path: String, sidecar: String? = nil, fingerprint: String = "", origin: CompileJob.Origin
  ) -> CompileJob {
    lastJob += 1
    let job = CompileJob(
      id: lastJob, name: name, path: path, sidecar: sidecar, fingerprint: fingerprint, origin: origin)
    queue.append(job)
    return job
  }

  private mutating func decide(at now: Duration) -> [Action] {
    var actions: [Action] = []
    var wake: Duration?
    for name in models.keys.sorted() { decide(name, at: now, &actions, &wake) }
    while running.count < maxRunning, let index = queue.firstIndex(where: { !isBusy($0.name) }) {
      let job = queue.remove(at: index)
      running[job.id] = Running(job: job)
      actions.append(.start(job))
    }
    for name in models.keys.sorted() {
      guard var model = models[name] else { continue }
      let phase = phase(of: name, model)
      if phase != model.shown { actions.append(.show(name: name, phase)) }
      model.shown = phase
      let isEmpty = model.found == nil && model.versions.isEmpty && !hasJob(name)
      models[name] = isEmpty ? nil : model
    }
    if let wake, nextWake.map({ wake < $0 }) ?? true {
      nextWake = wake
      actions.append(.wake(at: wake))
    }
    return actions
  }

  /// A model that is compiled now, or whose last version leaves, is not compiled meanwhile.
  private func isBusy(_ name: String) -> Bool {
    if running.values.contains(where: { $0.job.name == name }) { return true }
    guard let model = models[name], !model.leaving.isEmpty else { return false }
    return model.leaving.count == model.versions.count
  }

  private func hasJob(_ name: String) -> Bool {
    queue.contains { $0.name == name } || running.values.contains { $0.job.name == name }
  }

  private func phase(of name: String, _ model: Model) -> Phase {
    let isQueued = queue.contains { $0.name == name }
    let isRunning = running.values.contains { $0.job.name == name && !$0.isStopped }
    if isQueued || isRunning { return .compiling }
    guard let found = model.found, found.fingerprint != model.madeFrom else { return .idle }
    if let failure = model.failure, failure.fingerprint == found.fingerprint {
      return .failed(failure.reason)
    }
    return .compiling
  }

  private mutating func decide(
    _ name: String, at now: Duration, _ actions: inout [Action], _ wake: inout Duration?
  ) {
    guard let model = models[name] else { return }
    func wakeUp(at time: Duration) { wake = min(wake ?? time, time) }

    // Compiling a file that has changed since, or is gone, is useless.
    queue.removeAll { $0.name == name && $0.origin == .folder && $0.fingerprint != model.found?.fingerprint }
    for (id, run) in running
    where run.job.name == name && run.job.origin == .folder && !run.isStopped
      && run.job.fingerprint != model.found?.fingerprint
    {
      running[id]?.isStopped = true
      actions.append(.stop(job: id))
    }

    if let found = model.found {
      if found.fingerprint == model.madeFrom {
        if model.followed != found.fingerprint {
          models[name]?.followed = found.fingerprint
          actions.append(.follow(name: name, sidecar: found.sidecar))
        }
      } else if !hasFolderJob(name, found.fingerprint) {
        let isWritten = found.files.contains { writing.contains($0) }
        let settled = model.since + (isWritten ? RepositoryState.patience : settle)
        let failure = model.failure.flatMap { $0.fingerprint == found.fingerprint ? $0 : nil }
        if now < settled {
          wakeUp(at: settled)
        } else if let failure, failure.retryAt.map({ now < $0 }) ?? true {
          if let retryAt = failure.retryAt { wakeUp(at: retryAt) }
        } else {
          _ = newJob(
            name, path: found.path, sidecar: found.sidecar, fingerprint: found.fingerprint, origin: .folder)
        }
      }
    } else if !isDoubtful, model.isOfFolder {
      if now < model.since + settle {
        wakeUp(at: model.since + settle)
      } else {
        let gone = model.versions.filter { $0.value == .folder && !model.leaving.contains($0.key) }.keys
          .sorted()
        models[name]?.leaving.formUnion(gone)
        models[name]?.madeFrom = nil
        models[name]?.failure = nil
        actions.append(.remove(name: name, versions: gone))
      }
    }
    removeOld(name, &actions)
  }

  private func hasFolderJob(_ name: String, _ fingerprint: String) -> Bool {
    func isIt(_ job: CompileJob) -> Bool {
      job.name == name && job.origin == .folder && job.fingerprint == fingerprint
    }
    return queue.contains(where: isIt) || running.values.contains { isIt($0.job) && !$0.isStopped }
  }

  private mutating func removeOld(_ name: String, _ actions: inout [Action]) {
    guard let model = models[name] else { return }
    let kept = model.versions.keys.filter { !model.leaving.contains($0) }.sorted()
    let old = Array(kept.dropLast(keepVersions))
    guard !old.isEmpty else { return }
    models[name]?.leaving.formUnion(old)
    actions.append(.remove(name: name, versions: old))
  }
}
