/// Facts about a machine that matter for running models. Sizes are in bytes; `nil` means that a fact could
/// not be determined.
public struct MachineFacts: Sendable, Codable, Hashable {
  /// As `uname -r` gives it: `6.18.3-cloud`.
  public var kernel = ""
  /// The target that weights are packed for here: the processor as the kernel library sees it.
  public var target = ""
  public var cores = 1
  public var threads = 1
  public var store = ""
  /// The type of the file system that the store is on: `ext4`.
  public var fileSystem: String?
  public var freeDisk: Int?
  /// The word in brackets of `/sys/kernel/mm/transparent_hugepage/enabled`.
  public var hugePages: String?
  /// The most that may be locked in memory; `nil`: no limit.
  public var lockLimit: Int?
  public var openFileLimit: Int?
  /// The machine's memory, or the cgroup's limit when that is lower.
  public var memory: Int?
  public var swap: Int?
  public var budget = 0
  /// Variables of OpenMP that are set.
  public var openMP: [String: String] = [:]
  /// Measured on the store's file system, past the page cache.
  public var readBytesPerSecond: Double?
  /// Measured: from nothing to 64 MiB of the page cache mapped.
  public var mapSeconds: Double?

  public init() {}
}
