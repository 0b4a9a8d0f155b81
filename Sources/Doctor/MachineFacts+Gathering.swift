import Engine
import Foundation

extension MachineFacts {
  /// Looks at this machine. Takes about a second: it writes and reads 64 MiB beside the store.
  public init(store: String, budget: Int, threads: Int, target: String) {
    self.init()
    self.store = store
    self.budget = budget
    self.threads = threads
    self.target = target
    cores = ProcessInfo.processInfo.activeProcessorCount
    kernel = MachineFacts.read("/proc/sys/kernel/osrelease") ?? ""
    hugePages = MachineFacts.read("/sys/kernel/mm/transparent_hugepage/enabled")?
      .split(separator: " ").first { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) }
    memory = MemoryLimit.current
    swap = MachineFacts.read("/proc/meminfo").flatMap(MachineFacts.swapTotal)
    lockLimit = MachineFacts.limit(MachineFacts.memlock)
    openFileLimit = MachineFacts.limit(MachineFacts.openFiles) ?? .max
    openMP = ProcessInfo.processInfo.environment.filter {
      $0.key.hasPrefix("OMP_") || $0.key.hasPrefix("GOMP_")
    }
    let folder = MachineFacts.existing(store)
    fileSystem = MachineFacts.read("/proc/self/mountinfo").flatMap {
      MachineFacts.fileSystem(of: folder, in: $0)
    }
    freeDisk = try? FileManager.default.attributesOfFileSystem(forPath: folder)[.systemFreeSize] as? Int
    if let freeDisk, freeDisk > 256 << 20, let speed = StorageSpeed(measuredIn: folder) {
      readBytesPerSecond = speed.readBytesPerSecond
      mapSeconds = speed.mapSeconds
    }
  }

  private static func read(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  // Linux's numbers (asm-generic/resource.h): the C library gives them types of their own.
  private static let openFiles: __rlimit_resource_t = 7
  private static let memlock: __rlimit_resource_t = 8

  /// The soft limit; `nil` when there is none.
  private static func limit(_ resource: __rlimit_resource_t) -> Int? {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(Int.max) else { return nil }
    return Int(limit.rlim_cur)
  }

  /// The folder, or the nearest above it that is there.
  private static func existing(_ path: String) -> String {
    var url = URL(fileURLWithPath: path)
    while !FileManager.default.fileExists(atPath: url.path), url.path != "/" { url.deleteLastPathComponent() }
    return url.resolvingSymlinksInPath().path
  }

  /// `SwapTotal` of `/proc/meminfo`, in bytes.
  package static func swapTotal(_ text: String) -> Int? {
    text.split(separator: "\n").first { $0.hasPrefix("SwapTotal:") }?.split(separator: " ").dropFirst().first
      .flatMap { Int($0) }.flatMap { $0.multipliedReportingOverflow(by: 1024) }.flatMap {
        $0.overflow ? nil : $0.partialValue
      }
  }

  /// The type of the file system that a path is on, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)): that of the
  /// deepest mount point above it, the last one where several lie on each other.
  package static func fileSystem(of path: String, in mounts: String) -> String? {
    var best: (length: Int, type: String)?
    for line in mounts.split(separator: "\n") {
      let halves = line.components(separatedBy: " - ")
      let fields = halves[0].split(separator: " ")
      guard halves.count == 2, fields.count > 4, let type = halves[1].split(separator: " ").first else {
        continue
      }
      let point = fields[4].replacing("\\040", with: " ")
      guard path == point || point == "/" || path.hasPrefix(point + "/") else { continue }
      if point.count >= best?.length ?? 0 { best = (point.count, String(type)) }
    }
    return best?.type
  }
}
