import ModelGraph
import SwiftProtobuf

/// The contents of an ONNX file.
public struct ImportedModel: Sendable {
  /// The graph. Its constants look at the mapped files, so these must stay as they are while the graph is in use.
  public var graph: Graph
  /// The version of ONNX's own operators that the model imports.
  public var opset: Int
  /// The program that wrote the file, as it says itself; may be empty.
  public var producer: String
  /// Absolute paths: the model, then every external data file in the order of its first use.
  public var sourceFiles: [String]
  /// The number of uses of each operator in the file, subgraphs included; operators of other domains as
  /// `domain.Operator`. Those inside a function of the model count for each of its calls, which count too.
  public var operatorCounts: [String: Int]
  /// The keys of outputs that are maps, by name. The graph's output has their scores, a column for each key.
  public var mapKeys: [String: ClassLabels] = [:]
  /// The files of ``sourceFiles``, mapped: the graph's constants look at them.
  let files: [MappedFile]

  /// Calls `body` with the bytes of each of ``sourceFiles``, in their order: all that the model is made of.
  public func mapSources<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> [Result] {
    try withExtendedLifetime(files) { try files.map { try body($0.bytes) } }
  }

  /// Checks that what was read of the files so far was really in them: to be asked after the constants were used.
  /// - Throws: ``ONNXError`` when another program has cut a file short meanwhile, or its disk has failed.
  public func checkFiles() throws {
    for file in files where file.isBroken { throw ONNXError.cut(file) }
  }
}

extension ONNXError {
  fileprivate static func cut(_ file: MappedFile) -> ONNXError {
    ONNXError(.unreadable(path: file.path, detail: "it was cut short, or its disk failed, while it was read"))
  }
}

/// Reads ONNX models (`https://onnx.ai/onnx/repo-docs/IR.html`), opset 1 to 28.
public enum ONNXModel {
  /// Reads the model at `path`. Tensors are views of the mapped file; nothing large is copied.
  /// - Parameter name: what to call the graph; the file's name without its extension when `nil`.
  /// - Throws: ``ONNXError``. A model with unsupported operators is refused with all of them in one error.
  public static func read(_ path: String, name: String? = nil) throws -> ImportedModel {
    let file: MappedFile
    do { file = try MappedFile(path) } catch {
      throw ONNXError(.unreadable(path: path, detail: error.reason))
    }
    do {
      let imported = try read(file, name: name)
      try imported.checkFiles()
      return imported
    } catch  where file.isBroken {
      // The error at hand is about zeros that were never in the file.
      throw ONNXError.cut(file)
    }
  }

  private static func read(_ file: MappedFile, name: String?) throws -> ImportedModel {
    let path = file.path
    let proto = try decode(file)
    guard proto.hasGraph, proto.irVersion > 0 else {
      throw ONNXError(.malformed(path: path, detail: "it holds no graph"))
    }
    let model = try ModelImport(proto, file: file)
    let graph = try model.read(proto.graph, name: name ?? stem(of: path))
    guard let source = ExternalFiles.resolved(path) else {
      throw ONNXError(.unreadable(path: path, detail: "it is gone"))
    }
    return ImportedModel(
      graph: graph, opset: model.opset,
      producer: [proto.producerName, proto.producerVersion].filter { !$0.isEmpty }.joined(separator: " "),
      sourceFiles: [source] + model.tensors.external.files.map(\.path),
      operatorCounts: model.operatorCounts, mapKeys: model.mapKeys,
      files: [file] + model.tensors.external.files)
  }

  private static func decode(_ file: MappedFile) throws -> ONNXModelProto {
    func malformed(_ detail: String) -> ONNXError {
      ONNXError(.malformed(path: file.path, detail: detail))
    }
    guard !file.bytes.isEmpty else { throw malformed("it is empty") }
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    do {
      return try ONNXModelProto(serializedBytes: WireScanner.rest(of: file.bytes), options: options)
    } catch let failure as WireScanner.Failure { throw malformed(failure.reason) } catch {
      throw malformed("its protobuf is damaged (\(error))")
    }
  }

  private static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return file }
    return String(file[..<dot])
  }
}
