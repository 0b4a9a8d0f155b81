import Foundation

/// The system's figures for this process's memory and descriptors.
struct ProcessMemory {
  /// Address space, in bytes, that maps files of the store.
  var storeBytes = 0
  /// Address space, in bytes, of arenas and of extents that were read.
  var arenaBytes = 0
  /// Present anonymous pages in bytes that are neither.
  var otherAnonymousBytes = 0
  var descriptors = 0

  /// - Parameter store: the store's folder.
  init(store: String) throws {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
    let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    try file.close()
    var current = (bytes: 0, path: "", anonymous: 0)
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      let ends = fields[0].split(separator: "-").map { UInt($0, radix: 16) }
      if ends.count == 2, let start = ends[0], let end = ends[1] {
        current = (Int(end - start), fields.dropFirst(5).joined(separator: " "), 0)
      } else if fields[0] == "Anonymous:" {
        current.anonymous = (Int(fields[1]) ?? 0) * 1024
      } else if fields[0] == "VmFlags:" {
        if current.path.hasPrefix(store) {
          storeBytes += current.bytes
        } else if Set(fields.dropFirst()).isSuperset(of: ["dd", "dc"]) {
          arenaBytes += current.bytes
        } else {
          otherAnonymousBytes += current.anonymous
        }
      }
    }
    descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }

  /// The memory held for models, as the system counts it.
  var modelBytes: Int { storeBytes + arenaBytes }
}
