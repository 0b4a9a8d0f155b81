import Foundation

/// The memory that this process may use: the machine's, or the cgroup's limit if that is lower.
public enum MemoryLimit {
  /// Bytes; `nil` when neither can be read.
  public static var current: Int? {
    [machine, cgroup].compactMap { $0 }.min()
  }

  private static var machine: Int? {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kibibytes.multipliedReportingOverflow(by: 1024).partialValue
  }

  /// The lowest `memory.max` (cgroup v2) from this process's group up to the root, or the v1 limit.
  private static var cgroup: Int? {
    guard let groups = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8) else { return nil }
    var limits: [Int] = []
    for line in groups.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isUnified = fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
      var path = "/sys/fs/cgroup" + (isUnified ? "" : "/memory") + String(fields[2])
      while path.hasPrefix("/sys/fs/cgroup") {
        let file = path + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")
        if let text = try? String(contentsOfFile: file, encoding: .utf8),
          let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), limit > 0
        {
          limits.append(limit)
        }
        path = (path as NSString).deletingLastPathComponent
      }
    }
    return limits.min()
  }
}
