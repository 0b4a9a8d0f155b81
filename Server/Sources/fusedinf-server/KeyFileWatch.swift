import Dispatch
import Logging
import Repository
import Serving

/// Has the file of API keys read again when it changes. A file that cannot be used leaves the keys as they were.
final class KeyFileWatch: Sendable {
  private let path: String
  private let policy: AccessPolicy
  private let log: Logger
  private static let maxBytes = 16 << 20
  private let queue = DispatchQueue(label: "fusedinf.keys")

  /// - Parameter seen: the file's stamp from before its keys were read.
  init(path: String, seen: FileStamp?, policy: AccessPolicy, log: Logger) {
    self.path = path
    self.policy = policy
    self.log = log
    check(after: seen)
  }

  /// Reads the file now.
  func reload() {
    do {
      // Signals are handled behind this: it must not wait for a pipe's writer.
      let keys = try APIKeyFile(RegularFile.text(of: path, maxBytes: KeyFileWatch.maxBytes)).keys
      policy.replace(keys: keys)
      log.notice("reloaded the API keys", metadata: ["keys": "\(keys.count)"])
    } catch { log.error("kept the previous API keys: \(error)") }
  }

  /// Looks every two seconds: a file that is replaced, as editors and Kubernetes do, has no descriptor to watch.
  private func check(after seen: FileStamp?) {
    queue.asyncAfter(deadline: .now() + 2) { [weak self] in
      guard let self else { return }
      let now = FileStamp(path)
      if now != seen { reload() }
      check(after: now)
    }
  }
}
