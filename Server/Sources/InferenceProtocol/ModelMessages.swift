/// A declared input or output. Sizes that are open are -1.
public struct TensorMetadata: Sendable, Hashable, Codable {
  public var name: String
  public var datatype: String
  public var shape: [Int]
  /// True for a sequence, whose first size is that of the sequence, and for an optional. Not part of the message.
  public var isList = false
  /// True if a request may leave it out. Not part of the message.
  public var isOptional = false
  /// True for an output that is the same in every answer: the keys of a map. Not part of the message.
  public var isConstant = false

  enum CodingKeys: String, CodingKey { case name, datatype, shape }

  public init(name: String, datatype: String, shape: [Int], isList: Bool = false, isOptional: Bool = false) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.isList = isList
    self.isOptional = isOptional
  }
}

/// The answer to `GET v2/models/NAME`.
public struct ModelMetadataMessage: Sendable, Hashable, Codable {
  public var name: String
  public var versions: [String]
  public var platform: String
  public var inputs: [TensorMetadata]
  public var outputs: [TensorMetadata]

  public init(
    name: String, versions: [String], platform: String, inputs: [TensorMetadata], outputs: [TensorMetadata]
  ) {
    self.name = name
    self.versions = versions
    self.platform = platform
    self.inputs = inputs
    self.outputs = outputs
  }
}

/// The answer to `GET v2`.
public struct ServerMetadataMessage: Sendable, Hashable, Codable {
  public var name: String
  public var version: String
  public var extensions: [String]

  public init(name: String, version: String, extensions: [String]) {
    self.name = name
    self.version = version
    self.extensions = extensions
  }
}

/// One row of the repository's index (Triton's model repository extension).
public struct RepositoryIndexEntry: Sendable, Hashable, Codable {
  public enum State: String, Sendable, Hashable, Codable {
    case unknown = "UNKNOWN"
    case ready = "READY"
    case unavailable = "UNAVAILABLE"
    case loading = "LOADING"
    case unloading = "UNLOADING"
  }

  public var name: String
  /// Empty for a model of which there is no version yet.
  public var version: String
  public var state: State
  public var reason: String

  public init(name: String, version: String, state: State, reason: String = "") {
    self.name = name
    self.version = version
    self.state = state
    self.reason = reason
  }
}

/// A count of operations and their total time (Triton's `StatisticDuration`).
public struct StatisticDuration: Sendable, Hashable, Codable {
  public var count: UInt64 = 0
  /// Nanoseconds.
  public var ns: UInt64 = 0

  public init() {}

  public mutating func add(_ nanoseconds: UInt64, times: UInt64 = 1) {
    count &+= times
    ns &+= nanoseconds
  }
}

/// Triton's `InferStatistics`.
public struct InferStatistics: Sendable, Hashable, Codable {
  public var success = StatisticDuration()
  public var fail = StatisticDuration()
  public var queue = StatisticDuration()
  public var computeInput = StatisticDuration()
  public var computeInfer = StatisticDuration()
  public var computeOutput = StatisticDuration()
  public var cacheHit = StatisticDuration()
  public var cacheMiss = StatisticDuration()

  enum CodingKeys: String, CodingKey {
    case success, fail, queue
    case computeInput = "compute_input"
    case computeInfer = "compute_infer"
    case computeOutput = "compute_output"
    case cacheHit = "cache_hit"
    case cacheMiss = "cache_miss"
  }

  public init() {}
}

/// Triton's `InferBatchStatistics`.
public struct InferBatchStatistics: Sendable, Hashable, Codable {
  public var batchSize: UInt64
  public var computeInput = StatisticDuration()
  public var computeInfer = StatisticDuration()
  public var computeOutput = StatisticDuration()

  enum CodingKeys: String, CodingKey {
    case batchSize = "batch_size"
    case computeInput = "compute_input"
    case computeInfer = "compute_infer"
    case computeOutput = "compute_output"
  }

  public init(batchSize: UInt64) { self.batchSize = batchSize }
}

/// Triton's `ModelStatistics`; it encodes as its JSON.
public struct ModelStatisticsMessage: Sendable, Hashable, Codable {
  public var name: String
  public var version: String
  /// Milliseconds since the epoch.
  public var lastInference: UInt64 = 0
  public var inferenceCount: UInt64 = 0
  public var executionCount: UInt64 = 0
  public var inferenceStats = InferStatistics()
  public var batchStats: [InferBatchStatistics] = []

  enum CodingKeys: String, CodingKey {
    case name, version
    case lastInference = "last_inference"
    case inferenceCount = "inference_count"
    case executionCount = "execution_count"
    case inferenceStats = "inference_stats"
    case batchStats = "batch_stats"
  }

  public init(name: String, version: String) {
    self.name = name
    self.version = version
  }
}
