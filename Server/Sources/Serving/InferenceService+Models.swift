import InferenceProtocol
import Linker
import ModelGraph
import ModelStore
import Settings
import Tensors

extension InferenceService {
  /// The server's version, as its metadata, its metrics and its page report it.
  public static var version: String { ProductVersion.text }
  static let platform = "fusedinf_onnx"

  /// The answer to `GET v2`.
  public var metadata: ServerMetadataMessage {
    var extensions = [
      "classification", "model_repository", "model_repository(unload_dependents)", "model_configuration",
      "schedule_policy", "statistics",
      "binary_tensor_data", "fused_infer",
    ]
    if configuration.allowsSharedMemory { extensions.append("system_shared_memory") }

    return ServerMetadataMessage(name: "fusedinf", version: InferenceService.version, extensions: extensions)
  }

  /// A model's inputs and outputs.
  /// - Throws: ``ServiceError`` when there is no such model or version, or it cannot be used.
  public func metadata(of name: String, version: Int?) async throws(ServiceError) -> ModelMetadataMessage {
    do {
      if catalog.isPipeline(name) { return try await metadata(ofPipeline: name, version: version) }
      let model = try await catalog.model(name, version: version)
      return metadata(
        of: model,
        versions: version.map { [$0] } ?? catalog.entries[name]?.versions ?? [model.version])
    } catch { throw self.failure(error, model: name) }
  }

  /// The inputs and outputs of an open model.
  func metadata(of model: LinkableModel, versions: [Int]) -> ModelMetadataMessage {
    let stored = model.file.metadata
    return ModelMetadataMessage(
      name: model.name, versions: versions.map(String.init), platform: InferenceService.platform,
      inputs: stored.inputs.map { $0.message(allowed: model.declaredShapes[$0.name]) },
      outputs: stored.outputs.flatMap { [$0.message()] + $0.keysMessages })
  }

  /// A model's configuration, as Triton's clients ask for it.
  /// - Throws: ``ServiceError`` when there is no such model or version, or it cannot be used.
  public func modelConfig(of name: String, version: Int?) async throws(ServiceError) -> ModelConfigMessage {
    modelConfig(try await metadata(of: name, version: version))
  }

  /// The configuration of a model or pipeline with these inputs and outputs.
  func modelConfig(_ metadata: ModelMetadataMessage) -> ModelConfigMessage {
    let name = metadata.name
    let declared = catalog.isPipeline(name) ? nil : catalog.configuration(of: name)
    var config = ModelConfigMessage(
      metadata, backend: "fusedinf",
      maxBatchSize: declared?.maxBatchSize ?? configuration.scheduler.maxBatch)
    if let file = declared?.defaultModelFilename { config.defaultModelFilename = file }
    config.versionPolicy =
      switch declared?.versionPolicy {
      case .latest(let count): .latest(count)
      case .specific(let versions): .specific(versions)
      case .all, nil: .all
      }
    return config
  }
}

extension ModelMetadata.TensorDeclaration {
  /// Returns the tensor as the protocol describes it. Unknown sizes are -1, and unknown types are empty.
  /// - Parameter allowed: the sizes that it may have where that was said when the model was added: one that leaves no
  ///   choice is known.
  func message(allowed: ShapeRanges? = nil) -> TensorMetadata {
    guard elementType != .sequence else { return listMessage }
    let sizes = dimensions?.enumerated().map { axis, dimension in
      if case .number(let size) = dimension { return size }
      return allowed?.onlySize(ofAxis: axis) ?? -1
    }
    return TensorMetadata(
      name: name, datatype: elementType.flatMap { DataType($0) }?.rawValue ?? "", shape: sizes ?? [-1])
  }

  /// The keys of a map; nothing for other outputs.
  fileprivate var keysMessages: [TensorMetadata] {
    guard let mapKeys, let datatype = DataType(mapKeys.elementType) else { return [] }
    var message = TensorMetadata(name: keysName, datatype: datatype.rawValue, shape: [mapKeys.count])
    message.isConstant = true
    return [message]
  }

  /// A sequence as the tensor of its elements, stacked along a first axis of any size; an optional as its value.
  private var listMessage: TensorMetadata {
    let sizes = contents?.dimensions?.map { if case .number(let size) = $0 { size } else { -1 } }
    let isOptional = contents?.isOptional ?? false
    return TensorMetadata(
      name: name, datatype: contents.flatMap { DataType($0.elementType) }?.rawValue ?? "",
      shape: isOptional ? sizes ?? [-1] : [-1] + (sizes ?? []), isList: true,
      isOptional: contents?.mayBeAbsent ?? false)
  }
}
