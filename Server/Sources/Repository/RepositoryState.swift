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

  struct Failure: Sendable {
    var fingerprint: String
    var reason: String
    /// `nil`: not before the file changes.
    var retryAt: Duration?
    var attempts = 1
  }

  /// The source of one version: a folder with a number, or the file that the store numbers.
  struct Slot: Sendable {
    var found: FoundModel?
    /// When it was first seen as it is now, or first not seen any more.
    var since = Duration.zero
    /// The fingerprint that its version, or the newest of them, was made from.
    var madeFrom: String?
    var failure: Failure?
    /// The fingerprint with which the settings beside the model were applied last.
    var followed: String?

    var isWanted: Bool { found?.isChosen == true }
    var isMade: Bool { found.map { $0.fingerprint == madeFrom } ?? false }
  }

  struct Model: Sendable {
    /// By the number that a folder says; ``RepositoryState/unnumbered`` for what the store numbers.
    var slots: [Int: Slot] = [:]
    /// The versions that came from here, and where from.
    var versions: [Int: CompileJob.Origin] = [:]
    /// Those of them that folders have numbered.
    var numbered: Set<Int> = []
    /// All of them, in the order in which they came.
    var order: [Int] = []
    /// Those of them that are being removed.
    var leaving: Set<Int> = []
    var shown = Phase.idle

    var isFound: Bool { slots.values.contains { $0.found != nil } }

    /// It lies in the folder, or versions came from there that stay for as long as it does.
    var isOfFolder: Bool {
      isFound || versions.contains { $0.value == .folder && !leaving.contains($0.key) }
    }

    /// The slot that a version was made from.
    func slot(of version: Int) -> Int { numbered.contains(version) ? version : RepositoryState.unnumbered }

    mutating func add(_ version: Int, _ origin: CompileJob.Origin, isNumbered: Bool) {
      versions[version] = origin
      order.removeAll { $0 == version }
      order.append(version)
      if isNumbered {
        numbered.insert(version)
      } else {
        numbered.remove(version)
      }
    }
  }

  struct Running: Sendable {
    var job: CompileJob
    var isStopped = false
  }

  /// The time that a file must stay unchanged to count as complete, or absent to count as removed.
  let settle: Duration
  /// A file whose writer is never seen to close it is taken after this.
  static let patience = Duration.seconds(60)
  let keepVersions: Int
  let maxRunning: Int
  static let unnumbered = 0
  var models: [String: Model] = [:]
  var writing: Set<String> = []
  var queue: [CompileJob] = []
  var running: [Int: Running] = [:]
  var lastJob = 0
  var nextWake: Duration?
  /// The folder's location when models were last seen in it.
  var place: String?
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
  /// - Parameters:
  ///   - madeFrom: the fingerprint that the newest of those versions was made from that the store has numbered.
  ///   - numbered: the fingerprints of those that folders have numbered.
  public mutating func restored(
    _ name: String, versions: [Int: CompileJob.Origin], madeFrom: String?, numbered: [Int: String] = [:]
  ) {
    var model = Model(
      versions: versions, numbered: Set(numbered.keys).intersection(versions.keys),
      order: versions.keys.sorted())
    model.slots[RepositoryState.unnumbered] = Slot(madeFrom: madeFrom)
    for (number, fingerprint) in numbered { model.slots[number] = Slot(madeFrom: fingerprint) }
    models[name] = model
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
    let byName = Dictionary(grouping: found) { $0.name }
    writing.formIntersection(found.flatMap(\.files))
    for name in Set(models.keys).union(byName.keys) {
      let seen = Dictionary(
        (byName[name] ?? []).map { ($0.number ?? RepositoryState.unnumbered, $0) },
        uniquingKeysWith: { first, _ in first })
      let isNew = models[name] == nil
      var model = models[name] ?? Model()
      for number in Set(model.slots.keys).union(seen.keys) {
        var slot = model.slots[number] ?? Slot()
        if slot.found != seen[number] || isNew {
          // A file present at the start has existed for as long as its own times say. Waiting once is cheap.
          slot.found = seen[number]
          slot.since = now
        } else if slot.found == nil, slot.since == .zero {
          slot.since = now
        }
        model.slots[number] = slot
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

  /// A client sent a model. It is compiled, and is a version once it is ``adopted(_:versions:at:)``.
  /// - Returns: the job's number, which its answer will carry.
  /// - Parameters:
  ///   - number: the version that it becomes; `nil`: the store numbers it.
  ///   - staging: the folder of the store that it is added to until then.
  public mutating func sent(
    _ name: String, number: Int? = nil, path: String, staging: String, at now: Duration
  ) -> (job: Int, actions: [Action]) {
    let job = newJob(name, number: number, path: path, origin: .upload, staging: staging)
    return (job.id, decide(at: now))
  }

  /// The store has versions that a client sent.
  public mutating func adopted(_ name: String, versions: [Int], at now: Duration) -> [Action] {
    var model = models[name] ?? Model()
    for version in versions { model.add(version, .upload, isNumbered: false) }
    models[name] = model
    return decide(at: now)
  }

  /// Compiles what the folder has of a model and is not served.
  /// - Parameter isAgain: the same client has waited for another job already: what has failed is not retried.
  /// - Returns: the number of a job whose answer reports the result; `nil` if there is nothing to compile yet.
  public mutating func retried(
    _ name: String, isAgain: Bool = false, at now: Duration
  ) -> (job: Int?, actions: [Action]) {
    for (number, slot) in models[name]?.slots ?? [:] where slot.found != nil && !isAgain {
      models[name]?.slots[number]?.failure = nil
    }
    let actions = decide(at: now)
    let jobs = running.values.filter { !$0.isStopped }.map(\.job) + queue
    return (jobs.first { $0.name == name && $0.origin == .folder }?.id, actions)
  }

  /// True while files of the name have changed and are not compiled yet.
  public func isPending(_ name: String) -> Bool { models[name]?.shown == .compiling }

  /// A compilation has ended.
  public mutating func finished(_ id: Int, _ outcome: CompileOutcome, at now: Duration) -> [Action] {
    guard let run = running.removeValue(forKey: id) else { return [] }
    let job = run.job
    guard job.origin == .folder else { return decide(at: now) + [.answer(job: id, outcome)] }
    var model = models[job.name] ?? Model()
    let number = job.number ?? RepositoryState.unnumbered
    var slot = model.slots[number] ?? Slot()
    switch outcome {
    case .compiled(let version):
      // Also of a job that was stopped too late.
      model.add(version, .folder, isNumbered: job.number != nil)
      slot.madeFrom = job.fingerprint
      slot.failure = nil
      slot.followed = nil
    case .unchanged(let version):
      slot.madeFrom = job.fingerprint
      // One that came from this folder before it was numbered.
      if job.number == version, model.versions[version] == .folder { model.numbered.insert(version) }
      slot.failure = nil
      slot.followed = nil
    case .rejected(let reason):
      slot.failure = Failure(fingerprint: job.fingerprint, reason: reason, retryAt: nil)
    case .failed(let reason):
      let attempts = slot.failure.map { $0.fingerprint == job.fingerprint ? $0.attempts + 1 : 1 } ?? 1
      slot.failure = Failure(
        fingerprint: job.fingerprint, reason: reason, retryAt: now + RepositoryState.delay(after: attempts),
        attempts: attempts)
    case .stopped: break
    }
    model.slots[number] = slot
    models[job.name] = model
    return decide(at: now) + [.answer(job: id, outcome)]
  }

  /// Versions have left the store.
  public mutating func removed(_ name: String, versions: [Int], at now: Duration) -> [Action] {
    for version in versions {
      models[name]?.versions[version] = nil
      models[name]?.numbered.remove(version)
      models[name]?.order.removeAll { $0 == version }
      models[name]?.leaving.remove(version)
    }
    return decide(at: now)
  }

  /// 5 s, 10 s, … ten minutes.
  static func delay(after attempts: Int) -> Duration {
    .seconds(min(600, 5 << min(attempts - 1, 7)))
  }
}
