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
    case sent(name: String, number: Int?, path: String, CheckedContinuation<CompileOutcome, Never>)
    case retried(name: String, attempts: Int, CheckedContinuation<CompileOutcome?, Never>)
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

  /// Compiles a model that lies at `path` as a version of `name`: the next one when no number is given.
  func add(_ name: String, number: Int?, path: String) async -> CompileOutcome {
    await withCheckedContinuation { continuation in
      if case .terminated = send.yield(.sent(name: name, number: number, path: path, continuation)) {
        continuation.resume(returning: .stopped)
      }
    }
  }

  /// Looks at the folder now, and compiles what it has of `name` and is not served: what is new, and what failed before.
  /// - Returns: `nil` when there is nothing to compile.
  func retry(_ name: String) async -> CompileOutcome? {
    await withCheckedContinuation { retry(name, attempts: RepositoryService.maxAttempts, $0) }
  }

  /// A file that is not whole after so many looks is not waited for.
  private static let maxAttempts = 8

  func retry(_ name: String, attempts: Int, _ continuation: CheckedContinuation<CompileOutcome?, Never>) {
    if case .terminated = send.yield(.retried(name: name, attempts: attempts, continuation)) {
      continuation.resume(returning: .stopped)
    }
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
