import Device
import Foundation
import GraphPasses
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import ONNXFormat
import Tensors

/// Models of a store, as this machine can run them: adds new ones, and compiles again what another target, a newer format
/// or damage has made unusable.
public final class ModelRepository: Sendable {
  public let store: ModelStore
  /// The account of opened models.
  public let ledger: MemoryLedger
  private let device: any Device
  private let budget: Int

  /// - Parameter ledger: the account of opened models.
  /// - Parameter budget: the bytes that a run has to fit in. Layouts are not chosen at sizes that exceed it.
  public init(
    store: ModelStore, device: any Device, ledger: MemoryLedger = MemoryLedger(capacity: 256 << 20),
    budget: Int = .max
  ) {
    self.store = store
    self.ledger = ledger
    self.device = device
    self.budget = budget
  }

  /// Compiles the ONNX model at `path` and registers it as a version of `name`.
  /// - Parameter place: the version's number; the next one when it is left out.
  /// - Parameter notes: what ``ModelStore/options(_:version:)`` gives back of the version, beside what was declared.
  /// - Parameter progress: called with the stage that begins.
  /// - Parameter admit: called with the compiled model before it is registered; what it throws keeps it from that.
  /// - Throws: when the model cannot be read, compiled, admitted or stored; nothing is registered then.
  public func add(
    _ path: String, name: String, as place: ModelStore.Place = .next, options: CompilationOptions,
    notes: [String: String] = [:], progress: ((String) -> Void)? = nil,
    admit: (CompiledModel) throws -> ModelNeed? = { _ in nil }
  ) throws -> AddedModel {
    let start = ContinuousClock.now
    // One that cannot be opened does not say where it came from.
    let previous = try? store.open(name).metadata
    progress?("reading")
    let imported = try ONNXModel.read(path, name: name)
    var metadata: ModelMetadata?
    var need: ModelNeed?
    let kept = ModelRepository.stored(options)
    let version = try store.add(
      name: name, as: place, source: imported.sourceFiles,
      options: kept.merging(notes) { kept, _ in kept }
    ) { target in
      metadata = try compile(imported, name: name, options: options, to: target, progress: progress)
      progress?("planning")
      need = try admit(try CompiledModel.open(target))
      progress?("storing")
    }
    guard let metadata else { throw CancellationError() }
    return AddedModel(
      name: name, version: version, metadata: metadata, operators: imported.operatorCounts, need: need,
      previous: previous.flatMap { $0.sourcePath == metadata.sourcePath ? nil : $0 },
      duration: ContinuousClock.now - start)
  }

  /// A version of `name`, when it was made for this device from the bytes that are at `path` now, external data included,
  /// for the same shapes and the same form of weights; else `nil`.
  /// - Parameter version: The version to look at; the newest when it is left out.
  /// - Throws: when the model at `path` cannot be read.
  public func version(
    _ version: Int? = nil, of name: String, isMadeFrom path: String, options: CompilationOptions
  ) throws -> Int? {
    guard let metadata = try? store.open(name, version: version).metadata,
      metadata.target == device.target.description,
      metadata.declaredShapes == options.shapes.mapValues({ ShapeRanges($0).description }),
      metadata.weights ?? WeightForm.float32.rawValue == options.weights.rawValue
    else { return nil }
    let imported = try ONNXModel.read(path, name: name)
    let hash = imported.identity
    try imported.checkFiles()
    return hash == metadata.sourceHash ? metadata.version : nil
  }

  /// Opens a model for this device's target, compiling it again from its kept source when it has to be.
  /// - Parameter notice: called with the reason when the model is compiled again.
  /// - Returns: what was opened, or what was compiled here just now, even where another process of another target has put
  ///   its own in its place since.
  /// - Throws: ``RecompilationError`` when that does not work; `StoreError` when there is no such model; `LinkError` when
  ///   there is no room for its graph.
  public func open(
    _ name: String, version: Int? = nil, notice: ((String) -> Void)? = nil
  ) throws -> LinkableModel {
    let reason: String
    do {
      let file = try store.open(name, version: version)
      if file.metadata.target == device.target.description {
        do { return try LinkableModel(file, ledger: ledger) } catch let error as LinkError
          where error.isTooLarge || error.isTemporary
        {
          throw error
        } catch { reason = "its graph cannot be used: \(error)" }
      } else {
        reason = "it was packed for \(file.metadata.target), this machine is \(device.target)"
      }
    } catch let error as StoreError where error.kind == .damaged || error.kind == .unsupportedFormat {
      reason = error.description
    }
    notice?("compiling '\(name)' again: \(reason)")
    do {
      return try LinkableModel(try recompile(name, version: version), ledger: ledger)
    } catch let error as LinkError where error.isTooLarge || error.isTemporary {
      // The compiled model is sound now; there is no room for it.
      throw error
    } catch {
      throw RecompilationError(model: name, reason: reason, failure: error)
    }
  }

  /// Compiles a stored model again from its kept source, in place.
  /// - Parameter version: the newest when it is left out.
  /// - Returns: what was compiled.
  @discardableResult
  public func recompile(_ name: String, version: Int? = nil) throws -> CompiledModel {
    let newest = try store.list().first { $0.name == name }?.newest
    let version = version ?? newest ?? 1
    let path = try store.sourcePath(name, version: version)
    let options = try ModelRepository.compilationOptions(try store.options(name, version: version))
    let imported = try ONNXModel.read(path, name: name)
    return try store.replaceCompiled(name, version: version) { target in
      _ = try compile(
        imported, name: name, options: options, to: target, progress: nil)
    }
  }

  /// The prefix of the store's options that keep declared shapes.
  private static let shapeOption = "shape:"
  /// The store's option that keeps the form of weights.
  private static let weightsOption = "weights"

  /// Options as the store keeps them.
  private static func stored(_ options: CompilationOptions) -> [String: String] {
    var kept: [String: String] = [:]
    for (input, ranges) in options.shapes { kept[shapeOption + input] = ShapeRanges(ranges).description }
    if options.weights != .float32 { kept[weightsOption] = options.weights.rawValue }
    return kept
  }

  /// The options that the store has kept.
  private static func compilationOptions(_ kept: [String: String]) throws -> CompilationOptions {
    var options = CompilationOptions()
    for (key, value) in kept where key.hasPrefix(shapeOption) {
      options.shapes[String(key.dropFirst(shapeOption.count))] = try ShapeRanges(parsing: value).ranges
    }
    options.weights = kept[weightsOption].flatMap { WeightForm(rawValue: $0) } ?? .float32
    return options
  }

  /// Compiles the ONNX model at `path` to a file that no store has.
  func compile(
    _ path: String, name: String, options: CompilationOptions, to target: String,
    progress: ((String) -> Void)?
  ) throws -> ModelMetadata {
    try compile(
      try ONNXModel.read(path, name: name), name: name, options: options, to: target, progress: progress)
  }

  private func compile(
    _ imported: ImportedModel, name: String, options: CompilationOptions, to path: String,
    progress: ((String) -> Void)?
  ) throws -> ModelMetadata {
    let packed = try ModelCompiler(device: device, budget: budget).compile(
      imported.graph, options: options, progress: progress)
    progress?("packing weights")
    let metadata = try packed.metadata(
      of: imported, name: name, target: device.target,
      sourceHash: imported.identity, options: options)
    try packed.write(to: path, device: device, metadata: metadata)
    try imported.checkFiles()
    return metadata
  }
}

extension ImportedModel {
  /// The source's identity: it changes with any byte of the `.onnx` file and of its external data.
  fileprivate var identity: ContentHash { ContentHash(ofFiles: mapSources { ContentHash(of: $0) }) }
}

/// The result of adding a model.
public struct AddedModel: Sendable {
  public var name: String
  public var version: Int
  public var metadata: ModelMetadata
  /// The number of uses of each ONNX operator in the source.
  public var operators: [String: Int]
  /// The memory that one run takes; `nil` if sizes are left open.
  public var need: ModelNeed?
  /// The version of this name that was the newest until now, where it was made from another file.
  public var previous: ModelMetadata?
  public var duration: Duration
}
