import Device
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
  private let device: any Device

  public init(store: ModelStore, device: any Device) {
    self.store = store
    self.device = device
  }

  /// Compiles the ONNX model at `path` and registers it as the next version of `name`.
  /// - Parameter progress: called with the stage that begins.
  /// - Throws: when the model cannot be read, compiled or stored; nothing is registered then.
  public func add(
    _ path: String, name: String, options: CompilationOptions, progress: (@Sendable (String) -> Void)? = nil
  ) throws -> AddedModel {
    let start = ContinuousClock.now
    progress?("reading")
    let imported = try ONNXModel.read(path, name: name)
    var metadata: ModelMetadata?
    let version = try store.add(name: name, sources: imported.sourceFiles) { target, version in
      metadata = try self.compile(
        imported, name: name, version: version, options: options, to: target, progress: progress)
    }
    guard let metadata else { throw CancellationError() }
    return AddedModel(
      name: name, version: version, metadata: metadata, operators: imported.operatorCounts,
      duration: ContinuousClock.now - start)
  }

  /// Opens a model for this device's target, compiling it again from its kept source when it has to be.
  /// - Parameter notice: called with the reason when the model is compiled again.
  public func open(
    _ name: String, version: Int? = nil, notice: (@Sendable (String) -> Void)? = nil
  ) throws -> LinkableModel {
    let reason: String
    do {
      let file = try store.open(name, version: version)
      if file.metadata.target == device.target.description { return try LinkableModel(file) }
      reason = "it was packed for \(file.metadata.target), this machine is \(device.target)"
    } catch let error as StoreError where error.isMendable {
      reason = error.description
    }
    notice?("compiling '\(name)' again: \(reason)")
    try recompile(name, version: version)
    return try LinkableModel(try store.open(name, version: version))
  }

  /// Compiles a stored model again from its kept source, in place.
  public func recompile(_ name: String, version: Int? = nil) throws {
    let kept = try store.source(of: name, version: version)
    let imported = try ONNXModel.read(kept.path, name: name)
    let shapes = try kept.declaredShapes.mapValues { try ShapeRanges(parsing: $0).ranges }
    try store.replaceCompiled(name, version: kept.version) { target in
      _ = try self.compile(
        imported, name: name, version: kept.version, options: CompilationOptions(shapes: shapes), to: target,
        progress: nil)
    }
  }

  private func compile(
    _ imported: ImportedModel, name: String, version: Int, options: CompilationOptions, to path: String,
    progress: (@Sendable (String) -> Void)?
  ) throws -> ModelMetadata {
    let packed = try ModelCompiler(device: device).compile(imported.graph, options: options, progress: progress)
    progress?("packing weights")
    let metadata = packed.metadata(of: imported, name: name, version: version, target: device.target, options: options)
    try packed.write(to: path, device: device, metadata: metadata)
    return metadata
  }
}

/// What adding a model did.
public struct AddedModel: Sendable {
  public var name: String
  public var version: Int
  public var metadata: ModelMetadata
  /// How often each ONNX operator stands in the source.
  public var operators: [String: Int]
  public var duration: Duration
}
