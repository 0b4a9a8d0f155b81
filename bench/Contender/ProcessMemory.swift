import Foundation

/// Memory of this process, as the kernel counts it.
enum ProcessMemory {
  /// Bytes of the proportional set size: private pages, and of shared ones this process's part.
  static var proportionalSetSize: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return kibibytes * 1024
  }
}
