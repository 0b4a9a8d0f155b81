import Foundation
import Repository

/// The files of a model that a client sent, in a folder below the store's until they are compiled. Removed with the last
/// reference.
package final class UploadFolder: Sendable {
  /// A version that was sent.
  struct Version: Sendable {
    /// The folder's number; `nil` where the file lies in no folder with one.
    var number: Int?
    /// The `.onnx` file.
    var path: String
  }

  /// Ascending.
  let versions: [Version]
  /// The folder of the store that the versions are compiled into. No file of a client lies there: their names are not hidden.
  let staging: String
  private let path: String
  /// Holds a lock on the folder, by which what a dead process left is known.
  private let descriptor: Int32

  private static let maxFiles = 1000
  private static let maxDepth = 8

  /// Writes the files. Blocks.
  /// - Parameter files: by path: `1/model.onnx`.
  /// - Throws: ``ServiceError`` for paths that cannot be, for a file that is also a folder of another, for more than one model in
  ///   a folder, and when the files cannot be written.
  package init(in store: String, files: [String: [UInt8]]) throws {
    guard files.count <= UploadFolder.maxFiles else {
      throw ServiceError(.invalidRequest, "a load request may contain at most \(UploadFolder.maxFiles) files")
    }
    for file in files.keys.sorted() { try UploadFolder.check(file, beside: files) }
    let models = try UploadFolder.models(in: files.keys.filter { RepositoryFolder.stem(of: $0) != nil })
    let parent = UploadFolder.parent(store)
    try FileManager.default.createDirectory(
      atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var template = Array((parent + "/XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw UploadFolder.problem("create a folder in", parent) }
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? parent }
    self.path = path
    staging = path + "/.store"
    versions = models.map { Version(number: $0.number, path: path + "/" + $0.file) }
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
          .unavailable, "cannot store the uploaded file '\(shown(file))': \(UploadFolder.reason(error))")
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

  private static func check(_ path: String, beside files: [String: [UInt8]]) throws {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= maxDepth,
      parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0.utf8.count <= 255 && !$0.utf8.contains(0) })
    else {
      throw ServiceError(.invalidRequest, "'file:\(shown(path))' is not a valid path in a model's folder")
    }
    for count in 1..<parts.count {
      let folder = parts.prefix(count).joined(separator: "/")
      guard files[folder] == nil else {
        throw ServiceError(
          .invalidRequest,
          "'file:\(shown(folder))' is a file, so 'file:\(shown(path))' cannot lie in a folder of that name; rename one of them"
        )
      }
    }
  }

  /// The model's file of each version: folders' numbers are the versions.
  private static func models(in files: [String]) throws -> [(number: Int?, file: String)] {
    var found: [Int?: String] = [:]
    for file in files.sorted() {
      let folder = file.split(separator: "/").dropLast().first.map(String.init)
      let number = folder.flatMap { Int($0) }.flatMap { "\($0)" == folder ? $0 : nil }
      // Of several files in a folder the one with the usual name is the model.
      if found[number] != nil, !file.hasSuffix("/model.onnx") {
        guard found[number]?.hasSuffix("/model.onnx") == true else { throw several() }
        continue
      }
      found[number] = file
    }
    guard !found.isEmpty, found[nil] == nil || found.count == 1 else { throw several() }
    return found.sorted { ($0.key ?? 0) < ($1.key ?? 0) }.map { (number: $0.key, file: $0.value) }
  }

  private static func several() -> ServiceError {
    ServiceError(
      .invalidRequest,
      "a version is sent as 'file:VERSION/model.onnx', for example 'file:1/model.onnx', with one '.onnx' file for each "
        + "version")
  }

  /// The system's reason for an error of Foundation, whose own text names codes.
  private static func reason(_ error: any Error) -> String {
    let cause = (error as? CocoaError)?.userInfo[NSUnderlyingErrorKey] as? POSIXError
    return cause.map { String(cString: strerror($0.code.rawValue)) } ?? "the file cannot be written"
  }

  private static func problem(_ action: String, _ path: String) -> ServiceError {
    ServiceError(.unavailable, "cannot \(action) '\(path)': \(String(cString: strerror(errno)))")
  }
}
