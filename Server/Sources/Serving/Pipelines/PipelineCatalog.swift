import Device
import Foundation
import InferenceProtocol
import Linker
import Logging
import ModelStore
import Repository

/// The pipelines that requests can name beside models.
///
/// A pipeline's version counts its changes since the server started; the newest is served. It is put together with its
/// models when it is first asked for, and again when a newer version of one has come.
public final class PipelineCatalog: Sendable {
  private struct Entry: Sendable {
    var version: Int
    var definition: PipelineDefinition?
    /// Why the newest text is none.
    var failure: String?
    var isUnloaded = false
    var bound: Bound?
  }

  /// The result of binding a pipeline to models of these versions.
  fileprivate struct Bound: Sendable {
    var versions: [Int]
    var result: Result<BoundPipeline, PipelineDefinitionError>
  }

  private let log: Logger
  private let work = BlockingWork("fusedinf.pipelines")
  private let entries = Locked<[String: Entry]>([:])
  /// The last look at each folder.
  private let sources = Locked<[String: Look]>([:])

  package init(log: Logger) { self.log = log }

  // MARK: Files

  /// The pipeline that a file's name stands for: `NAME.pipeline.yaml`, `.yml` or `.json`; `nil` for other files.
  public static func name(ofFile file: String) -> String? {
    for ending in [".pipeline.yaml", ".pipeline.yml", ".pipeline.json"] where file.hasSuffix(ending) {
      let name = String(file.dropLast(ending.count))
      return name.isEmpty || name.hasPrefix(".") || name.contains("/") ? nil : name
    }
    return nil
  }

  /// Takes a file's text, which is new or has changed. An error in it is the pipeline's reason in the index.
  public func update(name: String, text: String) async { await update(name, .text(text)) }

  private func update(_ name: String, _ source: Source) async {
    let definition = try? await work.run {
      Result { () throws(PipelineDefinitionError) in
        switch source {
        case .text(let text): try PipelineDefinition(parsing: text, name: name)
        case .unreadable(let reason): throw PipelineDefinitionError(reason)
        }
      }
    }
    let version = entries.withLock { entries in
      let version = (entries[name]?.version ?? 0) + 1
      var entry = Entry(version: version)
      switch definition {
      case .success(let definition): entry.definition = definition
      case .failure(let error): entry.failure = error.description
      case nil: entry.failure = "it could not be read"
      }
      entries[name] = entry
      return (version, entry.failure)
    }
    log.notice(
      "\(version.1.map { "the pipeline cannot be served: \($0)" } ?? "the pipeline was read")",
      metadata: ["model": "\(name)", "version": "\(version.0)"])
  }

  /// The file is gone.
  public func remove(name: String) { entries.withLock { $0[name] = nil } }

  /// Looks at the pipelines of a folder: takes those that are new or have changed, and forgets those of this folder that are
  /// gone.
  /// - Throws: when the folder cannot be read; nothing is forgotten then.
  public func refresh(directory: String) async throws {
    // As the repository names it. Links stay: where they lead to another folder, its files replace those of the first.
    let directory = URL(fileURLWithPath: directory).standardizedFileURL.path
    let look = try await work.run {
      do { return try PipelineCatalog.look(at: directory) } catch {
        throw ServiceError(
          .unavailable, "the repository '\(directory)' cannot be read: \(error.localizedDescription)")
      }
    }
    let (before, complaints) = sources.withLock { all in
      defer { all[directory] = look }
      return (all[directory]?.sources ?? [:], look.complaints.subtracting(all[directory]?.complaints ?? []))
    }
    for complaint in complaints.sorted() { log.warning("\(complaint)") }
    for name in before.keys where look.sources[name] == nil { remove(name: name) }
    for (name, source) in look.sources.sorted(by: { $0.key < $1.key }) where before[name] != source {
      await update(name, source)
    }
  }

  /// A file as one look saw it.
  private enum Source: Sendable, Hashable {
    case text(String)
    case unreadable(String)
  }

  /// The pipelines of a folder, and the files that are none though they are named so.
  private struct Look: Sendable {
    var sources: [String: Source] = [:]
    var complaints: Set<String> = []
  }

  private static func look(at directory: String) throws -> Look {
    var look = Look()
    for file in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
      guard let name = name(ofFile: file) else { continue }
      let path = directory + "/" + file
      do { try ModelStore.check(name: name) } catch {
        look.complaints.insert("pipeline '\(path)' is not served: \(error)")
        continue
      }
      guard look.sources[name] == nil else {
        look.complaints.insert("'\(path)' is not read: another file defines the pipeline '\(name)'")
        continue
      }
      do {
        look.sources[name] = .text(try RegularFile.text(of: path, maxBytes: PipelineDefinition.maximumBytes))
      } catch  where access(path, F_OK) == 0 { look.sources[name] = .unreadable(error.description) } catch {
        // It went away between listing and reading.
        continue
      }
    }
    return look
  }

  // MARK: Listing

  public var names: [String] { entries.withLock { $0.keys.sorted() } }

  public func contains(_ name: String) -> Bool { name.isComposed && entries.withLock { $0[name] != nil } }

  package func version(_ name: String) -> Int? { entries.withLock { $0[name]?.version } }

  /// An operator loads or unloads it.
  func setUnloaded(_ name: String, _ isUnloaded: Bool) {
    entries.withLock { $0[name]?.isUnloaded = isUnloaded }
  }

  /// The names of the models that it is made of; none of one whose file is wrong.
  func members(of name: String) -> Set<String> {
    Set(entries.withLock { $0[name]?.definition?.stages.map(\.model) } ?? [])
  }

  /// The names of the models that its requests need; none of one that is unloaded.
  func needs(of name: String) -> Set<String> {
    entries.withLock { $0[name]?.isUnloaded } == false ? members(of: name) : []
  }

  /// - Throws: ``ServiceError`` when there is no such pipeline or version.
  func checkKnown(_ name: String, version: Int?) throws(ServiceError) {
    guard name.isComposed, let known = self.version(name) else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    if let version, version != known {
      throw ServiceError(.notFound, "pipeline '\(shown(name))' has no version \(version); it has \(known)")
    }
  }

  /// - Throws: ``ServiceError`` with which a request for it would be refused, as far as that is known.
  func checkReady(_ name: String, version: Int?, models: ModelCatalog) throws {
    try checkKnown(name, version: version)
    guard let entry = entries.withLock({ $0[name] }) else { return }
    let definition = try PipelineCatalog.definition(of: entry, name)
    let versions = try stageVersions(definition, models)
    guard let bound = entry.bound, bound.versions == versions else {
      // Found out now, for whoever asks next.
      Task { _ = try? await self.pipeline(name, version: nil, models: models) }
      return
    }
    if case .failure(let error) = bound.result {
      throw ServiceError(.unavailable, "pipeline '\(shown(name))': \(error)")
    }
  }

  private static func definition(of entry: Entry, _ name: String) throws -> PipelineDefinition {
    if entry.isUnloaded {
      throw ServiceError(
        .unavailable, "model '\(name)' is unloaded; load it with POST v2/repository/models/\(name)/load")
    }
    guard let definition = entry.definition else {
      throw ServiceError(.unavailable, "pipeline '\(shown(name))': \(entry.failure ?? "it is being read")")
    }
    return definition
  }

  /// The versions of the stages' models.
  private func stageVersions(_ definition: PipelineDefinition, _ models: ModelCatalog) throws -> [Int] {
    try definition.stages.map { stage in
      do { return try models.availableVersion(stage.model, stage.version) } catch {
        throw ServiceError(
          .unavailable, "pipeline '\(shown(definition.name))', stage '\(stage.name)': \(error)")
      }
    }
  }

  /// The pipeline that a request names, put together with the newest of its models.
  /// - Throws: ``ServiceError``.
  func pipeline(_ name: String, version: Int?, models: ModelCatalog) async throws -> BoundPipeline {
    try checkKnown(name, version: version)
    guard let entry = entries.withLock({ $0[name] }) else {
      throw ServiceError(.notFound, "there is no model '\(shown(name))'")
    }
    let definition = try PipelineCatalog.definition(of: entry, name)
    let versions = try stageVersions(definition, models)
    let bound: Bound
    if let known = entry.bound, known.versions == versions, known.isCurrent(models) {
      bound = known
    } else {
      var linked: [LinkableModel] = []
      for (stage, version) in zip(definition.stages, versions) {
        linked.append(try await models.model(stage.model, version: version))
      }
      bound = try await work.run { [linked] in
        Bound(
          versions: versions,
          result: Result { () throws(PipelineDefinitionError) in
            do { return try BoundPipeline(definition, version: entry.version, models: linked) } catch let
              error
              as PipelineDefinitionError
            {
              throw error
            } catch { throw PipelineDefinitionError("\(error)") }
          })
      }
      entries.withLock { entries in
        if entries[name]?.version == entry.version { entries[name]?.bound = bound }
      }
    }
    do { return try bound.result.get() } catch {
      throw ServiceError(.unavailable, "pipeline '\(shown(name))': \(error)")
    }
  }

  /// The models of a pipeline that has been put together.
  func models(of name: String) -> [LinkableModel] {
    guard case .success(let bound) = entries.withLock({ $0[name]?.bound?.result }) else { return [] }
    return bound.models
  }

  /// The index's rows.
  func index(_ models: ModelCatalog) -> [RepositoryIndexEntry] {
    entries.withLock { $0.map { ($0.key, $0.value.version) } }.map { name, version in
      var row = RepositoryIndexEntry(name: name, version: "\(version)", state: .ready)
      do { try checkReady(name, version: nil, models: models) } catch {
        row.state = .unavailable
        row.reason = (error as? ServiceError)?.description ?? "\(error)"
      }
      return row
    }
  }

  /// Puts together what has not been yet, so that the index tells what is wrong.
  public func check(_ models: ModelCatalog) async {
    for name in names {
      guard let entry = entries.withLock({ $0[name] }),
        let definition = try? PipelineCatalog.definition(of: entry, name),
        let versions = try? stageVersions(definition, models), entry.bound?.versions != versions
      else { continue }
      _ = try? await pipeline(name, version: nil, models: models)
    }
  }
}

extension PipelineCatalog.Bound {
  /// A model that was closed and opened again has plans of its own: the pipeline goes with it.
  fileprivate func isCurrent(_ models: ModelCatalog) -> Bool {
    guard case .success(let bound) = result else { return true }
    return bound.models.allSatisfy { model in models.opened(model.name).contains { $0 === model } }
  }
}
