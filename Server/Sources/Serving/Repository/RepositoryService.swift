import Device
import Engine
import Foundation
import Logging
import ModelStore
import Repository
import Scheduler
import ServiceLifecycle

/// Carries out what ``RepositoryState`` decides: watches the folder and the store, starts and ends compilations, and
/// tells the catalog.
public final class RepositoryService: Service {
  enum Event: Sendable {
    case changed(FolderWatch.Batch)
    case storeChanged
    case passed
    case finished(CompileJob, CompileOutcome)
    case removed(String, [Int])
    case sent(
      name: String, number: Int?, path: String, staging: String, CheckedContinuation<CompileOutcome, Never>)
    case adopted(name: String, versions: [Int], CheckedContinuation<Void, Never>)
    case retried(Retry)
  }

  let engine: Engine
  let configuration: ServiceConfiguration
  let lifecycle: ModelLifecycle
  let telemetry: ServerTelemetry
  let log: Logger
  let folder: RepositoryFolder?
  let work = BlockingWork("fusedinf.repository")
  private let events: AsyncStream<Event>
  private let send: AsyncStream<Event>.Continuation
  private let started = ContinuousClock.now
  /// Processes that compile now, by job.
  let compilers = Locked<[Int: CompilerProcess]>([:])

  init(
    engine: Engine, configuration: ServiceConfiguration, lifecycle: ModelLifecycle,
    telemetry: ServerTelemetry, log: Logger
  ) {
    self.engine = engine
    self.configuration = configuration
    self.lifecycle = lifecycle
    self.telemetry = telemetry
    self.log = log
    folder = configuration.repository.map {
      RepositoryFolder(path: $0, keepVersions: configuration.keepVersions)
    }
    (events, send) = AsyncStream.makeStream()
  }

  /// A load request that waits for the model's files.
  struct Retry: Sendable {
    var name: String
    /// It has waited for a compilation before: what has failed is not retried.
    var isAgain: Bool
    /// The number of times that it may look for another compilation after this one.
    var attempts = maxAttempts
    var continuation: CheckedContinuation<CompileOutcome?, Never>

    /// A file that is not whole after so many looks is not waited for.
    private static let maxAttempts = 8

    /// The same request at its next attempt.
    var again: Retry {
      Retry(name: name, isAgain: true, attempts: attempts - 1, continuation: continuation)
    }
  }

  /// Compiles a model that lies at `path`, to become a version of `name`: the next one when no number is given.
  /// - Parameter staging: the folder of the store that the version is added to, until it is ``adopted(_:versions:)``.
  func add(_ name: String, number: Int?, path: String, staging: String) async -> CompileOutcome {
    await withCheckedContinuation { continuation in
      let event = Event.sent(name: name, number: number, path: path, staging: staging, continuation)
      if case .terminated = send.yield(event) { continuation.resume(returning: .stopped) }
    }
  }

  /// Serves versions that clients sent and that the store has now.
  func adopted(_ name: String, versions: [Int]) async {
    await withCheckedContinuation { continuation in
      let event = Event.adopted(name: name, versions: versions, continuation)
      if case .terminated = send.yield(event) { continuation.resume() }
    }
  }

  /// Looks at the folder now, and compiles what it has of `name` and is not served: what is new, and what failed before.
  /// - Parameter isAgain: What has failed is not retried.
  /// - Returns: the outcome of one compilation; `nil` when there is nothing to compile.
  func retry(_ name: String, isAgain: Bool) async -> CompileOutcome? {
    await withCheckedContinuation { retry(Retry(name: name, isAgain: isAgain, continuation: $0)) }
  }

  func retry(_ retry: Retry) {
    if case .terminated = send.yield(.retried(retry)) { retry.continuation.resume(returning: .stopped) }
  }

  /// Works until it is told to shut down.
  public func run() async throws {
    let folderWatch = folder.map { folder in
      FolderWatch(isPolling: configuration.polls(folder.path), pollInterval: configuration.pollInterval)
    }
    let storeWatch = FolderWatch(
      isPolling: configuration.polls(engine.models.store.directory), pollInterval: configuration.pollInterval)
    await withGracefulShutdownHandler {
      await work(folderWatch, storeWatch)
    } onGracefulShutdown: {
      self.send.finish()
    }
    for process in compilers.withLock({ Array($0.values) }) { process.stop() }
  }

  private func work(_ folderWatch: FolderWatch?, _ storeWatch: FolderWatch) async {
    let settle = folderWatch?.isPolling == true ? configuration.pollInterval * 2 : .milliseconds(300)
    var loop = Loop(
      service: self, folderWatch: folderWatch, storeWatch: storeWatch, settle: settle,
      state: RepositoryState(settle: settle, keepVersions: configuration.keepVersions))
    await loop.begin()
    folderWatch?.start { [send] in send.yield(.changed($0)) }
    storeWatch.start { [send] _ in send.yield(.storeChanged) }
    for await event in events { await loop.take(event) }
    folderWatch?.stop()
    storeWatch.stop()
    loop.end()
  }

  /// Time as the state machine counts it.
  var now: Duration { ContinuousClock.now - started + .seconds(1) }

  func yield(_ event: Event) { send.yield(event) }
}

extension ServiceConfiguration {
  func polls(_ path: String) -> Bool { repositoryPoll != nil || FolderWatch.mustPoll(path) }

  var pollInterval: Duration { repositoryPoll ?? .seconds(2) }
}
