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

  /// Returns what is not used any more to the system: glibc's `malloc_trim`, which its module for Swift lacks.
  static func giveBack() {
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
  }
}
