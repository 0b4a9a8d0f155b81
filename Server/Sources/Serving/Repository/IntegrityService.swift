import Device
import Engine
import Executor
import Foundation
import Linker
import Logging
import ModelStore
import Repository
import Scheduler
import ServiceLifecycle

/// Carries out what ``IntegrityState`` decides: reads models' files behind everybody's back, and has those compiled again
/// that are not what was written.
public final class IntegrityService: Service {
  private enum Event: Sendable {
    case begin
    case pass([ModelVersion])
    case doubted(ModelVersion)
    case checked(ModelVersion, IntegrityState.Finding)
    case mended(ModelVersion, failure: String?)
  }

  private let engine: Engine
  private let interval: Duration?
  private let lifecycle: ModelLifecycle
  private let log: Logger
  private let work = BlockingWork("fusedinf.integrity")
  private let events: AsyncStream<Event>
  private let send: AsyncStream<Event>.Continuation
  private let started = ContinuousClock.now

  init(engine: Engine, configuration: ServiceConfiguration, lifecycle: ModelLifecycle, log: Logger) {
    self.engine = engine
    interval = configuration.verifyInterval
    self.lifecycle = lifecycle
    self.log = log
    (events, send) = AsyncStream.makeStream()
  }

  /// A run of the version failed with `error`. Its file is looked at when it may be the file's fault.
  func failed(_ version: ModelVersion, _ error: any Error) {
    let isDoubtful =
      switch error {
      case let error as DeviceError: error.kind == .load || error.kind == .damaged
      case let error as ExecutorError: error.isDamage
      default: false
      }
    if isDoubtful { send.yield(.doubted(version)) }
  }

  /// Works until it is told to shut down. All files are read once, and again whenever the interval has passed.
  public func run() async throws {
    await withGracefulShutdownHandler {
      var state = IntegrityState()
      send.yield(.begin)
      for await event in events {
        let now = ContinuousClock.now - started
        let actions: [IntegrityState.Action]
        switch event {
        case .begin:
          list()
          continue
        case .pass(let versions): actions = state.pass(versions)
        case .doubted(let version):
          actions = state.doubt(version, identity: openModel(version)?.file.identityNow, at: now)
        case .checked(let version, let finding): actions = state.checked(version, finding, at: now)
        case .mended(let version, let failure): actions = state.mended(version, failure: failure)
        }
        for action in actions { carryOut(action) }
      }
    } onGracefulShutdown: {
      self.send.finish()
    }
  }

  private func list() {
    let versions = lifecycle.catalog.entries.sorted { $0.key < $1.key }.flatMap { name, entry in
      entry.versions.map { ModelVersion(name, $0) }
    }
    send.yield(.pass(versions))
  }

  private func carryOut(_ action: IntegrityState.Action) {
    switch action {
    case .check(let version):
      Task { send.yield(.checked(version, await check(version))) }
    case .show(let version, let damage):
      show(version, damage)
    case .reopen(let version, let identity):
      // It may have been opened since.
      guard let open = openModel(version), open.file.identity != identity else { return }
      Task {
        await takeOut(version)
        await keepPin(version.name)
      }
    case .mend(let version):
      Task { send.yield(.mended(version, failure: await mend(version))) }
    case .passed:
      guard let interval else { return }
      Task {
        try? await Task.sleep(for: interval)
        send.yield(.begin)
      }
    }
  }

  private func openModel(_ version: ModelVersion) -> LinkableModel? {
    lifecycle.catalog.opened(version.name).first { $0.version == version.version }
  }

  private func check(_ version: ModelVersion) async -> IntegrityState.Finding {
    let open = openModel(version)
    return await BackgroundThread.run { [engine, log] in
      do {
        let file = try engine.models.store.open(version.name, version: version.version)
        try file.verifyWeights()
        let isOpen = open.map { $0.file.identity == file.identity } ?? true
        return isOpen ? .whole(identity: file.identity) : .replaced(identity: file.identity)
      } catch let error as StoreError where error.kind == .damaged {
        return .damaged(reason: error.description)
      } catch {
        // Another format or target is not damage, and one that was removed meanwhile is nobody's concern.
        log.debug("not checked", metadata: ["model": "\(shown(version.name))", "reason": "\(error)"])
        return .unknown
      }
    }
  }

  private func show(_ version: ModelVersion, _ damage: IntegrityState.Damage?) {
    let metadata: Logger.Metadata = ["model": "\(shown(version.name))", "version": "\(version.version)"]
    switch damage {
    case nil: log.notice("whole again", metadata: metadata)
    case .mending(let reason):
      log.error(
        "damaged on disk; recompiling",
        metadata: metadata.merging(["reason": "\(reason)"]) { $1 })
    case .lost(let reason, let failure):
      log.error(
        "damaged on disk, and cannot be recompiled",
        metadata: metadata.merging(["reason": "\(reason)", "failure": "\(failure)"]) { $1 })
    }
    lifecycle.catalog.show(version, damage)
    if damage == nil { Task { await keepPin(version.name) } }
  }

  /// - Returns: why it could not be compiled.
  private func mend(_ version: ModelVersion) async -> String? {
    await takeOut(version)
    do {
      // Not in the background: requests wait for it, and the kernel library's locks are everybody's.
      _ = try await work.run { [engine] in
        try engine.models.recompile(version.name, version: version.version)
      }
      return nil
    } catch { return "\(error)" }
  }

  /// Lets what runs end, and drops what came from the file: nobody who has equal weights gets these any more.
  private func takeOut(_ version: ModelVersion) async {
    let models = lifecycle.catalog.opened(version.name).filter { $0.version == version.version }
    // Before it can be opened again, and once more what those who run it have brought in since.
    markDamaged(models)
    await lifecycle.close(lifecycle.catalog.close(version))
    markDamaged(models)
  }

  private func markDamaged(_ models: [LinkableModel]) {
    for model in models {
      for extent in model.extentNames { engine.residency.markDamaged(.extent(extent)) }
    }
  }

  /// Pins the model that replaces a pinned one.
  private func keepPin(_ name: String) async {
    guard lifecycle.catalog.settings(of: name).isPinned == true else { return }
    do { try await lifecycle.follow(name) } catch {
      log.warning("could not be pinned", metadata: ["model": "\(shown(name))", "reason": "\(error)"])
    }
  }
}
