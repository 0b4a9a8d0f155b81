import Foundation

/// The kind of a folder's file system, from `/proc/self/mountinfo` (proc(5)).
enum FileSystemKind {
  private static let remote = [
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "virtiofs", "vboxsf",
  ]

  /// True where other machines, or a program, may change files without the kernel seeing it.
  static func isRemote(_ path: String) -> Bool {
    guard let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else {
      return false
    }
    var resolved = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let path = realpath(path, &resolved).map { String(cString: $0) } ?? path
    return isRemote(path, mounts: mounts)
  }

  static func isRemote(_ path: String, mounts: String) -> Bool {
    var best = (length: -1, kind: "")
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
      let place = fields[4].replacingOccurrences(of: "\\040", with: " ")
      let prefix = place == "/" ? "/" : place + "/"
      // Of mounts at one place the last one is seen.
      if path == place || path.hasPrefix(prefix), place.count >= best.length {
        best = (place.count, String(fields[dash + 1]))
      }
    }
    return remote.contains(best.kind) || best.kind.hasPrefix("fuse")
  }
}
