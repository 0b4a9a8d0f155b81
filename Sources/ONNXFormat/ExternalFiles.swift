import Glibc

/// The files beside a model that hold its external data
/// (`https://onnx.ai/onnx/repo-docs/ExternalData.html`): found inside the model's folder only, each mapped once.
final class ExternalFiles {
  /// The files mapped so far, each once, in the order of their first use.
  private(set) var files: [MappedFile] = []
  private let folder: String
  private var byLocation: [String: MappedFile] = [:]

  /// Why a location cannot be used.
  struct Refusal: Error { var reason: String }

  /// Looks in the folder of the model at `modelPath`.
  init(modelPath: String) {
    let components = modelPath.split(separator: "/", omittingEmptySubsequences: false)
    let parent = components.dropLast().joined(separator: "/")
    folder = components.count < 2 ? "." : parent.isEmpty ? "/" : parent
  }

  /// The file at `location`, a path relative to the model's folder.
  func file(at location: String) throws(Refusal) -> MappedFile {
    if let file = byLocation[location] { return file }
    guard !location.isEmpty, !location.hasPrefix("/"), !location.utf8.contains(0), location.utf8.count < 4096,
      !location.split(separator: "/").contains("..")
    else {
      throw Refusal(
        reason:
          "is said to be at '\(shown(location))', which is not a relative path inside the model's folder")
    }
    guard let root = Self.resolved(folder), let path = Self.resolved(folder + "/" + location) else {
      throw Refusal(
        reason: "is said to be in '\(shown(location))', which is missing from the model's folder "
          + "(\(String(cString: strerror(errno))))")
    }
    guard path.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
      throw Refusal(
        reason: "in '\(shown(location))' leads outside the model's folder, to '\(shown(path))'; "
          + "copy the file beside the model")
    }
    do {
      let file: MappedFile
      if let known = files.first(where: { $0.path == path }) {
        file = known
      } else {
        file = try MappedFile(path)
        files.append(file)
      }
      byLocation[location] = file
      return file
    } catch { throw Refusal(reason: "in '\(shown(location))' cannot be read: \(error.reason)") }
  }

  /// The absolute path without symbolic links; `nil` (and `errno`) when there is nothing at `path`.
  static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
