import Dispatch
import Foundation
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

  init(path: String, policy: AccessPolicy, log: Logger) {
    self.path = path
    self.policy = policy
    self.log = log
    check(after: KeyFileWatch.stamp(of: path))
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
  private func check(after seen: [String]) {
    queue.asyncAfter(deadline: .now() + 2) { [weak self] in
      guard let self else { return }
      let now = KeyFileWatch.stamp(of: path)
      if now != seen { reload() }
      check(after: now)
    }
  }

  private static func stamp(of path: String) -> [String] {
    // Of what links lead to.
    let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    let inode = attributes?[.systemFileNumber] as? Int ?? 0
    let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    return [file, "\(inode)", "\(time)", "\(attributes?[.size] as? Int ?? 0)"]
  }
}
