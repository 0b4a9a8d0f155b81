import Foundation
import Logging
import ModelStore
import Repository

extension RepositoryService {
  /// Starts a compilation. Its end comes as an event.
  func start(_ job: CompileJob) async {
    let sidecar: Sidecar
    let expected: ModelConfiguration?
    do {
      (sidecar, expected) = try await work.run {
        let expected = try job.configuration.map { try ModelConfiguration(readFrom: $0) }
        try expected?.check(name: job.name)
        return (try job.sidecar.map { try Sidecar(readFrom: $0) } ?? Sidecar(), expected)
      }
    } catch { return yield(.finished(job, .rejected("\(error)"))) }
    let process = CompilerProcess(
      program: configuration.compilerPath ?? "/proc/self/exe",
      request: CompileRequest(
        store: engine.models.store.directory, staging: job.staging, name: job.name, number: job.number,
        configuration: expected,
        path: job.path, shapes: sidecar.shapes, weights: sidecar.weights.rawValue,
        notes: VersionNotes(
          origin: job.origin, folder: folder?.path ?? "", fingerprint: job.fingerprint,
          isNumbered: job.number != nil
        ).options,
        budget: engine.configuration.budget, threads: engine.configuration.threads,
        deterministic: engine.configuration.deterministic,
        planCacheBytes: engine.configuration.planCacheBytes,
        modelCacheBytes: engine.configuration.modelCacheBytes,
        limits: CompileRequest.Limits(
          memoryBytes: configuration.compilerMemoryBytes, seconds: configuration.compilerSeconds,
          fileBytes: configuration.compilerFileBytes)))
    compilers.withLock { $0[job.id] = process }
    let log = log
    Task {
      let outcome = try? await work.run {
        process.run { stage in
          log.debug("compiling", metadata: ["model": "\(shown(job.name))", "stage": "\(stage)"])
        }
      }
      compilers.withLock { $0[job.id] = nil }
      yield(.finished(job, outcome ?? .stopped))
    }
  }

  /// Takes versions out of service and out of the store. Its end comes as an event.
  func remove(_ name: String, _ versions: [Int]) {
    Task {
      // The store may be busy, or its disk in trouble: what stays is removed when the server starts again.
      for attempt in 1...5 {
        do {
          try await lifecycle.retire(name, versions: versions, from: engine.models.store, on: work)
          break
        } catch {
          log.error(
            "cannot be removed from the store", metadata: ["model": "\(shown(name))", "reason": "\(error)"])
          try? await Task.sleep(for: .seconds(attempt))
        }
      }
      yield(.removed(name, versions))
    }
  }

  /// Has requests answered by what a version is now, where it was open before.
  func reopen(_ version: ModelVersion) {
    Task {
      await lifecycle.reopen(version)
      if lifecycle.catalog.settings(of: version.name).isPinned == true { followSettings(of: version.name) }
    }
  }

  /// Keeps a model as its sidecar says.
  func follow(_ name: String, _ path: String?) async {
    let sidecar: Sidecar
    do {
      sidecar = try await work.run { try path.map { try Sidecar(readFrom: $0) } ?? Sidecar() }
    } catch {
      log.warning(
        "the model's settings file was not applied",
        metadata: ["model": "\(shown(name))", "reason": "\(error)"])
      return
    }
    lifecycle.catalog.update(name) { entry in
      entry.declaredSettings = ModelSettings(
        keepAlive: sidecar.keepAlive, isPinned: sidecar.pin)
    }
    followSettings(of: name)
  }

  /// Has the newest version of a model kept as its name's settings say, in the background.
  func followSettings(of name: String) {
    Task {
      do { try await lifecycle.follow(name) } catch {
        log.warning(
          "the model's settings file was not applied",
          metadata: ["model": "\(shown(name))", "reason": "\(error)"])
      }
    }
  }
}
