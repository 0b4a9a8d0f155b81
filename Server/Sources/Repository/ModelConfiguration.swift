import Foundation

/// The part of a model's configuration, Triton's `config.pbtxt`, that is followed, and the names of the rest.
///
/// The file is a `ModelConfig` of Triton's `model_config.proto` in Protocol Buffers' text format.
public struct ModelConfiguration: Sendable, Hashable, Codable {
  /// An input or output that the configuration names.
  public struct Tensor: Sendable, Hashable, Codable {
    public var name: String
    /// `TYPE_FP32` and so on; `nil` when it is left out.
    public var dataType: String?
    /// Without the batch dimension where there is one; `nil` when they are left out, or reshaped.
    public var dims: [Int]?
  }

  /// The reason why a configuration cannot be followed.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  public var name: String?
  /// 0: the shapes are complete; above: the most rows of one request, and shapes are without their first dimension.
  public var maxBatchSize: Int?
  public var versionPolicy: VersionPolicy?
  public var defaultModelFilename: String?
  public var inputs: [Tensor] = []
  public var outputs: [Tensor] = []
  /// The platform or backend, where it is one that runs no ONNX models.
  public var otherPlatform: String?
  /// Fields that are not followed, by name, sorted.
  public var ignored: [String] = []

  private static let maxBytes = 256 << 10
  /// Fields that have one value. Protocol Buffers' own reader refuses a second one, too.
  private static let singular: Set = [
    "name", "platform", "backend", "max_batch_size", "version_policy", "default_model_filename",
  ]
  private static let singularOfTensor: Set = ["name", "data_type", "format", "reshape"]
  /// The values of Triton's `DataType` by their numbers.
  private static let types = [
    "INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
    "FP32", "FP64",
    "STRING", "BF16",
  ].map { "TYPE_" + $0 }
  /// Platforms and backends that mean ONNX models.
  public static let platforms = ["", "onnxruntime_onnx", "onnxruntime", "fusedinf_onnx", "fusedinf"]

  /// - Throws: ``Problem`` when the file cannot be read, or is no configuration.
  public init(readFrom path: String) throws(Problem) {
    let text: String
    do { text = try RegularFile.text(of: path, maxBytes: ModelConfiguration.maxBytes) } catch {
      throw Problem(description: error.description)
    }
    do { try self.init(parsing: text) } catch {
      throw Problem(description: "'\(path)': \(error.description)")
    }
  }

  /// - Throws: ``Problem``.
  public init(parsing text: String) throws(Problem) {
    let message: TextFormat
    do { message = try TextFormat(parsing: text) } catch { throw Problem(description: error.description) }
    if let field = message.secondValue(of: ModelConfiguration.singular) {
      throw Problem(description: "line \(field.line): \(field.isSetTwice.description)")
    }
    for field in message.fields {
      do { if try !follow(field) { ignored.append(field.name) } } catch {
        throw Problem(description: "line \(field.line): \(error.description)")
      }
    }
    ignored = Set(ignored).sorted()
  }

  /// - Returns: false for a field that is not followed.
  private mutating func follow(_ field: TextFormat.Field) throws(Problem) -> Bool {
    switch field.name {
    case "name": name = try field.text()
    case "platform", "backend":
      let text = try field.text()
      if !ModelConfiguration.platforms.contains(text) { otherPlatform = text }
    case "max_batch_size": maxBatchSize = try field.number(in: 0...Int(Int32.max))
    case "default_model_filename":
      let file = try field.text()
      guard !file.isEmpty else { break }
      let parts = file.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }) else {
        throw Problem(description: "'default_model_filename' is not a path inside a version's folder")
      }
      defaultModelFilename = file
    case "version_policy": versionPolicy = try VersionPolicy(try field.message())
    case "input":
      inputs.append(try tensor(field))
    case "output":
      outputs.append(try tensor(field))
    default: return false
    }
    return true
  }

  private mutating func tensor(_ field: TextFormat.Field) throws(Problem) -> Tensor {
    var tensor = Tensor(name: "")
    var isReshaped = false
    let message = try field.message()
    if let second = message.secondValue(of: ModelConfiguration.singularOfTensor) { throw second.isSetTwice }
    for inner in message.fields {
      switch inner.name {
      case "name": tensor.name = try inner.text()
      case "data_type":
        let word = try inner.word()
        let number = TextFormat.integer(word)
        tensor.dataType =
          number.flatMap {
            ModelConfiguration.types.indices.contains($0) ? ModelConfiguration.types[$0] : nil
          } ?? word
      case "dims": tensor.dims = (tensor.dims ?? []) + [try inner.number(in: -1...Int.max)]
      case "format" where inner.value == .word("FORMAT_NONE"): break
      case "reshape":
        isReshaped = true
        ignored.append("\(field.name).reshape")
      default: ignored.append("\(field.name).\(inner.name)")
      }
    }
    if isReshaped { tensor.dims = nil }
    return tensor
  }
}

/// The versions of a model's folder that are served (Triton's `ModelVersionPolicy`).
public enum VersionPolicy: Sendable, Hashable, Codable {
  /// The highest numbers, so many.
  case latest(Int)
  case all
  case specific([Int])

  /// The numbers that are served.
  public func chosen(of numbers: [Int]) -> Set<Int> {
    switch self {
    case .latest(let count): Set(numbers.sorted().suffix(max(count, 0)))
    case .all: Set(numbers)
    case .specific(let wanted): Set(numbers).intersection(wanted)
    }
  }

  fileprivate init(_ message: TextFormat) throws(ModelConfiguration.Problem) {
    guard let field = message.fields.first, message.fields.count == 1 else {
      throw ModelConfiguration.Problem(description: "'version_policy' is one of latest, all and specific")
    }
    let inner = try field.message()
    switch field.name {
    case "latest":
      // Triton's default for a policy without a number.
      var count = 1
      if let second = inner.secondValue(of: ["num_versions"]) { throw second.isSetTwice }
      for field in inner.fields where field.name == "num_versions" {
        count = try field.number(in: 0...Int(UInt32.max))
      }
      self = .latest(max(count, 1))
    case "all": self = .all
    case "specific":
      var versions: [Int] = []
      for field in inner.fields where field.name == "versions" {
        versions.append(try field.number(in: 0...Int.max))
      }
      self = .specific(versions)
    default:
      throw ModelConfiguration.Problem(description: "'version_policy' is one of latest, all and specific")
    }
  }
}

extension TextFormat {
  /// The first field of these names that has a value already.
  fileprivate func secondValue(of names: Set<String>) -> Field? {
    var seen: Set<String> = []
    return fields.first { names.contains($0.name) && !seen.insert($0.name).inserted }
  }
}

extension TextFormat.Field {
  fileprivate var isSetTwice: ModelConfiguration.Problem {
    ModelConfiguration.Problem(description: "'\(name)' is set twice")
  }

  fileprivate func problem(_ expected: String) -> ModelConfiguration.Problem {
    ModelConfiguration.Problem(description: "'\(name)' has to be \(expected)")
  }

  fileprivate func text() throws(ModelConfiguration.Problem) -> String {
    guard case .text(let text) = value else { throw problem("text in quotation marks") }
    return text
  }

  fileprivate func word() throws(ModelConfiguration.Problem) -> String {
    guard case .word(let word) = value else { throw problem("a name") }
    return word
  }

  fileprivate func message() throws(ModelConfiguration.Problem) -> TextFormat {
    guard case .message(let message) = value else { throw problem("a message in braces") }
    return message
  }

  fileprivate func number(in range: ClosedRange<Int>) throws(ModelConfiguration.Problem) -> Int {
    guard case .word(let word) = value, let number = TextFormat.integer(word), range.contains(number) else {
      throw problem("a whole number from \(range.lowerBound) on")
    }
    return number
  }
}
