/// The answer to `GET v2/models/NAME/config`: the fields of Triton's `ModelConfig` that apply to models here.
/// It encodes as its JSON.
public struct ModelConfigMessage: Sendable, Hashable, Codable {
  /// Triton's `ModelInput`.
  public struct Input: Sendable, Hashable, Codable {
    public var name: String
    /// `TYPE_FP32` and so on.
    public var dataType: String
    public var format = "FORMAT_NONE"
    /// Sizes; open ones are -1.
    public var dims: [Int]
    public var isShapeTensor = false
    public var allowRaggedBatch = false
    public var isOptional = false

    enum CodingKeys: String, CodingKey {
      case name, format, dims
      case dataType = "data_type"
      case isShapeTensor = "is_shape_tensor"
      case allowRaggedBatch = "allow_ragged_batch"
      case isOptional = "optional"
    }

    /// - Parameter isBatched: Leaves out the first dimension, the batch.
    public init(_ metadata: TensorMetadata, isBatched: Bool = false) {
      name = metadata.name
      dataType = ModelConfigMessage.typeName(metadata.datatype)
      dims = isBatched ? Array(metadata.shape.dropFirst()) : metadata.shape
      isOptional = metadata.isOptional
    }
  }

  /// Triton's `ModelOutput`.
  public struct Output: Sendable, Hashable, Codable {
    public var name: String
    public var dataType: String
    public var dims: [Int]
    public var labelFilename = ""
    public var isShapeTensor = false

    enum CodingKeys: String, CodingKey {
      case name, dims
      case dataType = "data_type"
      case labelFilename = "label_filename"
      case isShapeTensor = "is_shape_tensor"
    }

    /// - Parameter isBatched: Leaves out the first dimension, the batch.
    public init(_ metadata: TensorMetadata, isBatched: Bool = false) {
      name = metadata.name
      dataType = ModelConfigMessage.typeName(metadata.datatype)
      dims = isBatched ? Array(metadata.shape.dropFirst()) : metadata.shape
    }
  }

  /// Triton's `ModelVersionPolicy`: one of its three fields is there.
  public struct VersionPolicy: Sendable, Hashable, Codable {
    public struct All: Sendable, Hashable, Codable {}
    public struct Latest: Sendable, Hashable, Codable {
      public var numVersions: Int

      enum CodingKeys: String, CodingKey { case numVersions = "num_versions" }
    }
    public struct Specific: Sendable, Hashable, Codable { public var versions: [Int] }

    public var all: All?
    public var latest: Latest?
    public var specific: Specific?

    public static let all = VersionPolicy(all: All())
    public static func latest(_ count: Int) -> VersionPolicy {
      VersionPolicy(latest: Latest(numVersions: count))
    }
    public static func specific(_ versions: [Int]) -> VersionPolicy {
      VersionPolicy(specific: Specific(versions: versions))
    }
  }

  /// Triton's `ModelDynamicBatching`.
  public struct DynamicBatching: Sendable, Hashable, Codable {
    public var preferredBatchSize: [Int] = []
    public var maxQueueDelayMicroseconds = 0

    enum CodingKeys: String, CodingKey {
      case preferredBatchSize = "preferred_batch_size"
      case maxQueueDelayMicroseconds = "max_queue_delay_microseconds"
    }
  }

  /// Triton's `ModelInstanceGroup`.
  public struct InstanceGroup: Sendable, Hashable, Codable {
    public var name: String
    public var kind = "KIND_CPU"
    public var count = 1

    public init(name: String) { self.name = name }
  }

  public var name: String
  public var platform: String
  public var backend: String
  public var versionPolicy = VersionPolicy.all
  /// 0: the shapes are complete; above: they are without their first dimension, which requests may have up to this size.
  public private(set) var maxBatchSize = 0
  public var input: [Input]
  public var output: [Output]
  public var instanceGroup: [InstanceGroup]
  public var defaultModelFilename = "model.onnx"
  public var parameters: [String: Value] = [:]
  /// Requests are put together to batches.
  public private(set) var dynamicBatching: DynamicBatching?

  /// Triton's `ModelParameter`.
  public struct Value: Sendable, Hashable, Codable {
    public var stringValue: String

    enum CodingKeys: String, CodingKey { case stringValue = "string_value" }

    public init(_ text: String) { stringValue = text }
  }

  enum CodingKeys: String, CodingKey {
    case name, platform, backend, input, output, parameters
    case versionPolicy = "version_policy"
    case maxBatchSize = "max_batch_size"
    case instanceGroup = "instance_group"
    case defaultModelFilename = "default_model_filename"
    case dynamicBatching = "dynamic_batching"
  }

  /// - Parameter maxBatchSize: The most rows of a request, for a model whose first dimensions are all open; of another one it
  ///   is not reported, and its shapes are complete.
  public init(_ metadata: ModelMetadataMessage, backend: String, maxBatchSize: Int = 0) {
    name = metadata.name
    platform = metadata.platform
    self.backend = backend
    let isBatched = maxBatchSize > 0 && metadata.hasOpenBatch
    self.maxBatchSize = isBatched ? maxBatchSize : 0
    input = metadata.inputs.map { Input($0, isBatched: isBatched) }
    output = metadata.outputs.filter { !isBatched || !$0.isConstant }.map { Output($0, isBatched: isBatched) }
    instanceGroup = [InstanceGroup(name: metadata.name)]
    // As Triton completes it.
    if self.maxBatchSize > 1 { dynamicBatching = DynamicBatching() }
  }

  /// The same with complete shapes.
  public var withoutBatches: ModelConfigMessage {
    guard maxBatchSize > 0 else { return self }
    var whole = self
    whole.maxBatchSize = 0
    whole.dynamicBatching = nil
    for index in whole.input.indices { whole.input[index].dims.insert(-1, at: 0) }
    for index in whole.output.indices { whole.output[index].dims.insert(-1, at: 0) }
    return whole
  }

  /// Triton's name of a datatype of the protocol.
  public static func typeName(_ datatype: String) -> String {
    datatype == "BYTES" ? "TYPE_STRING" : datatype.isEmpty ? "TYPE_INVALID" : "TYPE_" + datatype
  }
}

extension ModelMetadataMessage {
  /// True when the first dimension of every input and output is open, and each input has others: what Triton takes for a
  /// model that supports batches. A tensor of the batch alone has no form without it, and sequences have no batch.
  fileprivate var hasOpenBatch: Bool {
    !inputs.isEmpty && !(inputs + outputs).contains(where: \.isList)
      && inputs.allSatisfy { $0.shape.count > 1 && $0.shape[0] == -1 }
      && outputs.allSatisfy { $0.isConstant || $0.shape.first == -1 }
  }
}
