import Foundation

/// The files of a model that a client sent, in a folder below the store's until they are compiled. Removed with the last
/// reference.
final class UploadFolder: Sendable {
  /// The `.onnx` file.
  let model: String
  private let path: String
  /// Holds a lock on the folder, by which what a dead process left is known.
  private let descriptor: Int32

  private static let maxFiles = 1000
  private static let maxDepth = 8

  /// Writes the files. Blocks.
  /// - Parameter files: by path: `1/model.onnx`.
  /// - Throws: ``ServiceError`` for paths that cannot be, or more than one model; what writing throws.
  init(in store: String, files: [String: [UInt8]]) throws {
    guard files.count <= UploadFolder.maxFiles else {
      throw ServiceError(.invalidRequest, "a load request may contain at most \(UploadFolder.maxFiles) files")
    }
    let models = files.keys.filter { $0.hasSuffix(".onnx") }
    guard models.count == 1, let model = models.first else {
      throw ServiceError(
        .invalidRequest,
        "a load request may contain one model, as 'file:1/model.onnx'; \(models.count) files end in '.onnx'")
    }
    for file in files.keys { try UploadFolder.check(file) }
    let parent = UploadFolder.parent(store)
    try FileManager.default.createDirectory(
      atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var template = Array((parent + "/XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw UploadFolder.problem("create a folder in", parent) }
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? parent }
    self.path = path
    self.model = path + "/" + model
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw UploadFolder.problem("lock", path)
    }
    for (file, bytes) in files {
      let target = URL(fileURLWithPath: path + "/" + file)
      do {
        try FileManager.default.createDirectory(
          at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: target)
      } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
        throw ServiceError(
          .unavailable,
          "no space left for the uploaded file '\(shown(file))'; remove models or files and retry"
        )
      } catch {
        throw ServiceError(
          .unavailable, "cannot store the uploaded file '\(shown(file))': \(error.localizedDescription)")
      }
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Removes what processes left that ended before they could. Blocks.
  static func clear(in store: String) {
    let parent = parent(store)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      let descriptor = open(parent + "/" + name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        try? FileManager.default.removeItem(atPath: parent + "/" + name)
      }
      close(descriptor)
    }
  }

  private static func parent(_ store: String) -> String { store + "/uploads" }

  private static func check(_ path: String) throws {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= maxDepth,
      parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0.utf8.count <= 255 && !$0.utf8.contains(0) })
    else {
      throw ServiceError(.invalidRequest, "'file:\(shown(path))' is not a valid path in a model's folder")
    }
  }

  private static func problem(_ action: String, _ path: String) -> ServiceError {
    ServiceError(.unavailable, "cannot \(action) '\(path)': \(String(cString: strerror(errno)))")
  }
}
