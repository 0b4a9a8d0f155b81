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

    public init(_ metadata: TensorMetadata) {
      name = metadata.name
      dataType = ModelConfigMessage.typeName(metadata.datatype)
      dims = metadata.shape
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

    public init(_ metadata: TensorMetadata) {
      name = metadata.name
      dataType = ModelConfigMessage.typeName(metadata.datatype)
      dims = metadata.shape
    }
  }

  /// Triton's `ModelVersionPolicy`: every version is served.
  public struct VersionPolicy: Sendable, Hashable, Codable {
    public struct All: Sendable, Hashable, Codable { public init() {} }
    public var all = All()

    public init() {}
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
  public var versionPolicy = VersionPolicy()
  /// 0: the shapes are complete, a batch axis among them.
  public var maxBatchSize = 0
  public var input: [Input]
  public var output: [Output]
  public var instanceGroup: [InstanceGroup]
  public var defaultModelFilename = "model.onnx"
  public var parameters: [String: Value] = [:]

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
  }

  public init(_ metadata: ModelMetadataMessage, backend: String) {
    name = metadata.name
    platform = metadata.platform
    self.backend = backend
    input = metadata.inputs.map(Input.init)
    output = metadata.outputs.map(Output.init)
    instanceGroup = [InstanceGroup(name: metadata.name)]
  }

  /// Triton's name of a datatype of the protocol.
  static func typeName(_ datatype: String) -> String {
    datatype == "BYTES" ? "TYPE_STRING" : datatype.isEmpty ? "TYPE_INVALID" : "TYPE_" + datatype
  }
}
