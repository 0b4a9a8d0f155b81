import Tensors

/// A parameter of a request, a response or a tensor.
public enum Parameter: Sendable, Hashable {
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
}

/// Part of a shared-memory region that a client has registered.
public struct SharedMemoryRange: Sendable, Hashable {
  public var region: String
  public var offset: Int
  public var byteCount: Int

  public init(region: String, offset: Int, byteCount: Int) {
    self.region = region
    self.offset = offset
    self.byteCount = byteCount
  }
}

/// The elements of a tensor on its way in or out.
public enum TensorContents: Sendable {
  /// Of any datatype but BYTES; the shape and type are the tensor's own.
  case tensor(Tensor)
  /// The elements of a BYTES tensor.
  case strings([[UInt8]])
  case shared(SharedMemoryRange)
}

/// An input of a request, or an output of a response.
public struct NamedTensor: Sendable {
  public var name: String
  public var datatype: DataType
  public var shape: Shape
  public var contents: TensorContents
  /// The output of the model that this is one element of, a sequence; `nil` for an output by itself.
  public var sequence: String?

  public init(name: String, datatype: DataType, shape: Shape, contents: TensorContents) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.contents = contents
  }
}

/// An output that a request asks for.
public struct RequestedOutput: Sendable, Hashable {
  public var name: String
  /// The number of best classes to give instead of the tensor (Triton's classification extension).
  public var classCount: Int?
  /// The shared memory range that receives the tensor.
  public var shared: SharedMemoryRange?
  /// True if the tensor is to be binary; the request's setting if left out. Used by HTTP alone.
  public var isBinary: Bool?

  public init(name: String, classCount: Int? = nil, shared: SharedMemoryRange? = nil, isBinary: Bool? = nil) {
    self.name = name
    self.classCount = classCount
    self.shared = shared
    self.isBinary = isBinary
  }
}

/// A request for one inference, as it came in whatever way.
public struct InferRequest: Sendable {
  public var model: String
  /// The newest when left out.
  public var version: Int?
  public var id: String
  /// `priority`, `timeout` (µs), `keep_alive`, `timing` and those of Triton's extensions.
  public var parameters: [String: Parameter]
  public var inputs: [NamedTensor]
  /// All when empty.
  public var outputs: [RequestedOutput]
  /// The caller: the name of an API key, empty without one.
  public var tenant: String
  /// When the request began to arrive, in nanoseconds of the monotonic clock: its `timeout` counts from then. When it is
  /// handed on where left out.
  public var arrival: UInt64?
  /// The account of the request's bytes, and of everything made of them.
  public var held: HeldBytes?

  public init(
    model: String, version: Int? = nil, id: String = "", parameters: [String: Parameter] = [:],
    inputs: [NamedTensor], outputs: [RequestedOutput] = [], tenant: String = ""
  ) {
    self.model = model
    self.version = version
    self.id = id
    self.parameters = parameters
    self.inputs = inputs
    self.outputs = outputs
    self.tenant = tenant
  }
}

/// The answer to one inference.
public struct InferResponse: Sendable {
  public var model: String
  public var version: Int
  public var id: String
  public var parameters: [String: Parameter]
  public var outputs: [NamedTensor]
  /// The account of the outputs' bytes.
  public var held: HeldBytes?

  public init(
    model: String, version: Int, id: String, parameters: [String: Parameter] = [:], outputs: [NamedTensor]
  ) {
    self.model = model
    self.version = version
    self.id = id
    self.parameters = parameters
    self.outputs = outputs
  }
}
