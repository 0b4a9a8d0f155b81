/// The instructions of a compiling process, as JSON in its argument.
public struct CompileRequest: Sendable, Hashable, Codable {
  /// The limits of the process. It ends, or fails, if it needs more.
  public struct Limits: Sendable, Hashable, Codable {
    /// Bytes of address space.
    public var memoryBytes: Int
    /// Of the wall clock; of processor time as many for each processor.
    public var seconds: Int
    /// Bytes of one file that it writes.
    public var fileBytes: Int

    public init(memoryBytes: Int, seconds: Int, fileBytes: Int) {
      self.memoryBytes = memoryBytes
      self.seconds = seconds
      self.fileBytes = fileBytes
    }
  }

  /// The store's folder.
  public var store: String
  /// The folder of another store, which the version is added to instead.
  public var staging: String?
  public var name: String
  /// The version that it becomes; `nil`: the store numbers it.
  public var number: Int?
  /// The configuration that the model has to agree with.
  public var configuration: ModelConfiguration?
  /// The `.onnx` file.
  public var path: String
  /// The sizes that inputs may have, as they are written, by input.
  public var shapes: [String: String]
  /// The form of large weights, as it is written.
  public var weights: String
  /// The notes that the store keeps with the version.
  public var notes: [String: String]
  /// The engine's, for which the model is planned.
  public var budget: Int
  public var threads: Int
  public var deterministic: Bool
  /// The most bytes that plans, and the graphs of opened models, may keep in the server.
  public var planCacheBytes: Int
  public var modelCacheBytes: Int
  public var limits: Limits

  public init(
    store: String, staging: String? = nil, name: String, number: Int? = nil,
    configuration: ModelConfiguration? = nil, path: String,
    shapes: [String: String], weights: String = "f32", notes: [String: String], budget: Int,
    threads: Int, deterministic: Bool, planCacheBytes: Int, modelCacheBytes: Int, limits: Limits
  ) {
    self.store = store
    self.staging = staging
    self.name = name
    self.number = number
    self.configuration = configuration
    self.path = path
    self.shapes = shapes
    self.weights = weights
    self.notes = notes
    self.budget = budget
    self.threads = threads
    self.deterministic = deterministic
    self.planCacheBytes = planCacheBytes
    self.modelCacheBytes = modelCacheBytes
    self.limits = limits
  }
}

/// A line of JSON that a compiling process writes.
struct CompilerLine: Codable {
  /// The stage that begins.
  var progress: String?
  /// The version that was made, or found to be the same.
  var version: Int?
  var isUnchanged: Bool?
  /// Why there is none.
  var reason: String?
  /// Trying again later may help.
  var isTemporary: Bool?
}
