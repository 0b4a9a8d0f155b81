import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelStore
import Tensors
import Testing

/// Real models with onnxruntime's answers, as `make references` leaves them.
struct ReferenceModel: Decodable, Sendable {
  struct Port: Decodable, Sendable {
    var name: String
    var file: String
  }
  struct Case: Decodable, Sendable {
    var name: String
    var inputs: [Port]
    var outputs: [Port]
  }
  var name: String
  var model: String
  var cases: [Case]

  private static let manifest = ProcessInfo.processInfo.environment["FUSEDINF_REFERENCES"]
  private static let folder = URL(fileURLWithPath: manifest ?? "/").deletingLastPathComponent()

  /// True if there are any; `make test` names their location.
  static let areThere = manifest.map { FileManager.default.isReadableFile(atPath: $0) } ?? false
  static let missing: Comment =
    "FUSEDINF_REFERENCES names no manifest of reference answers; 'make test' makes it"

  static let all: [ReferenceModel] = {
    struct Manifest: Decodable { var models: [ReferenceModel] }
    guard let manifest, let data = FileManager.default.contents(atPath: manifest) else { return [] }
    return (try? JSONDecoder().decode(Manifest.self, from: data).models) ?? []
  }()

  static func named(_ name: String) throws -> ReferenceModel {
    guard let model = all.first(where: { $0.name == name }) else { throw MissingReference(name: name) }
    return model
  }

  var path: String { ReferenceModel.folder.appending(path: model).standardizedFileURL.path }

  func `case`(_ name: String) throws -> Case {
    guard let found = cases.first(where: { $0.name == name }) else {
      throw MissingReference(name: "\(self.name)/\(name)")
    }
    return found
  }

  /// The tensors of a case by name.
  static func tensors(_ ports: [Port]) throws -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: try ports.map { ($0.name, try NPY.read(folder.appending(path: $0.file).path)) })
  }
}

struct MissingReference: Error {
  var name: String
}

/// A folder that is gone when the object is.
final class TemporaryFolder: Sendable {
  let path = NSTemporaryDirectory() + "fusedinf-engine-\(UUID().uuidString)"
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The smaller real models, added once for all tests to a store that none of them changes.
enum SharedStore {
  static let names = [
    "cls", "magika", "silero-vad", "silero-vad-16k", "det", "rec", "nudenet", "squeezenet", "mobilenet-v2",
    "resnet18-a", "resnet18-b",
  ]

  /// The store's folder; removed when the process exits, or, where it crashed, by the next one.
  static let directory = Result {
    let path = try ProcessFolder.make("fusedinf-engine-shared")
    let repository = ModelRepository(
      store: try ModelStore(directory: path), device: try TestDevice.shared.get())
    for name in names { try repository.addReference(name) }
    removedAtExit.withLock { $0.append(path) }
    atexit { removedAtExit.withLock { for path in $0 { try? FileManager.default.removeItem(atPath: path) } } }
    return path
  }
}

extension ModelRepository {
  /// Adds a real model.
  func addReference(_ name: String) throws {
    _ = try add(try ReferenceModel.named(name).path, name: name, options: CompilationOptions())
  }
}
