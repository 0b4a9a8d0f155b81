import Foundation
import InferenceProtocol
import Repository

/// A client's load request.
struct ModelLoadRequest: Sendable {
  var model: String
  var settings: ModelSettings
  /// By path, as the client names it: `1/model.onnx`.
  var files: [String: [UInt8]]
  /// Fields of a configuration that are followed only where the model has them so: ``check(against:)``.
  private var overrides: [String: ConfigurationValue] = [:]
  var hasOverrides: Bool { !overrides.isEmpty }
  private var isUnbatched = false

  private static let filePrefix = "file:"

  /// - Parameters:
  ///   - parameters: those of the request; files among them are in Base64.
  ///   - files: those that came as bytes, by the parameter's name.
  /// - Throws: ``ServiceError`` for parameters that cannot be followed.
  init(model: String, parameters: [String: Parameter], files: [String: [UInt8]]) throws {
    self.model = model
    settings = ModelSettings()
    self.files = [:]
    for (name, bytes) in files { try add(name, bytes) }
    for (name, value) in parameters {
      switch name {
      case "keep_alive": settings.keepAlive = try Duration(parameter: value, named: name)
      case "pin": settings.isPinned = try ModelLoadRequest.flag(value, named: name)
      case "config": try follow(configuration: value)
      case _ where name.hasPrefix(ModelLoadRequest.filePrefix):
        guard case .string(let text) = value, let data = Data(base64Encoded: text) else {
          throw ServiceError(.invalidRequest, "'\(shown(name))' is not a Base64-encoded file")
        }
        try add(name, Array(data))
      default:
        throw ServiceError(
          .invalidRequest,
          "unknown load parameter '\(shown(name))'; the parameters are keep_alive, pin, config and file:VERSION/PATH"
        )
      }
    }
  }

  private mutating func add(_ name: String, _ bytes: [UInt8]) throws {
    guard name.hasPrefix(ModelLoadRequest.filePrefix) else {
      throw ServiceError(
        .invalidRequest,
        "'\(shown(name))' is not a file name; it must begin with '\(ModelLoadRequest.filePrefix)'")
    }
    let path = String(name.dropFirst(ModelLoadRequest.filePrefix.count))
    guard files.updateValue(bytes, forKey: path) == nil else {
      throw ServiceError(.invalidRequest, "'\(shown(name))' is given twice")
    }
  }

  private static func flag(_ value: Parameter, named name: String) throws -> Bool {
    switch value {
    case .bool(let flag): return flag
    case .string(let text) where ["true", "false"].contains(text.lowercased()):
      return text.lowercased() == "true"
    default: throw ServiceError(.invalidRequest, "'\(name)' must be true or false")
    }
  }

  // MARK: Triton's model configuration

  /// Takes of a model configuration what can be followed; the rest has to be what the model has anyway.
  private mutating func follow(configuration: Parameter) throws {
    guard case .string(let text) = configuration,
      let fields = try? JSONDecoder().decode([String: ConfigurationValue].self, from: Data(text.utf8))
    else { throw ServiceError(.invalidRequest, "'config' is not a model configuration in JSON") }
    for (field, value) in fields {
      switch (field, value) {
      case ("name", .null), ("platform", .null), ("backend", .null): break
      case ("name", .string(let name)) where name == model || name.isEmpty: break
      case ("name", _):
        throw ServiceError(
          .invalidRequest,
          "the 'name' in 'config' must be that of the model, '\(shown(model))', or be left out")
      case ("platform", .string(let name)), ("backend", .string(let name)):
        guard ModelConfiguration.platforms.contains(name) || name == InferenceService.pipelinePlatform else {
          throw ServiceError(
            .unsupported, "'config' asks for the \(field) '\(shown(name))'; ONNX models are served alone")
        }
      case ("platform", _), ("backend", _):
        throw ServiceError(.invalidRequest, "'\(field)' in 'config' must be a string")
      case ("max_batch_size", .number(0)): isUnbatched = true
      case ("parameters", .object(let parameters)): try follow(parameters)
      default: overrides[field] = value
      }
    }
  }

  /// - Throws: ``ServiceError`` when the request's configuration sets a field to something else than it is.
  func check(against own: ModelConfigMessage) throws {
    var own = own
    // 0 says that shapes are complete, which those of requests are here in any case.
    if isUnbatched { own = own.withoutBatches }
    let fields = try JSONDecoder().decode(
      [String: ConfigurationValue].self, from: try JSONEncoder().encode(own))
    for (field, value) in overrides.sorted(by: { $0.key < $1.key }) where !value.agrees(with: fields[field]) {
      throw ServiceError(
        .unsupported,
        "'config' sets '\(shown(field))', which cannot be followed; platform, backend, the parameters keep_alive and pin, "
          + "and fields as the model's own configuration has them can")
    }
  }

  /// The configuration's own parameters: `{"keep_alive": {"string_value": "5"}}`.
  private mutating func follow(_ parameters: [String: ConfigurationValue]) throws {
    for (name, value) in parameters {
      guard case .object(let fields) = value, fields.count == 1,
        case .string(let text)? = fields["string_value"]
      else {
        throw ServiceError(.invalidRequest, "the parameter '\(shown(name))' of 'config' has no string_value")
      }
      switch name {
      case "keep_alive": settings.keepAlive = try Duration(parameter: .string(text), named: name)
      case "pin": settings.isPinned = try ModelLoadRequest.flag(.string(text), named: name)
      default:
        throw ServiceError(
          .unsupported,
          "'config' sets the parameter '\(shown(name))'; keep_alive and pin are those that there are")
      }
    }
  }
}
