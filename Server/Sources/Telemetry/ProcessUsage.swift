import Foundation

/// The operating system's counts for this process and machine, read on demand.
public struct ProcessUsage: Sendable {
  /// Bytes in memory that are this process's, those of mapped files among them.
  public var residentBytes = 0
  public var openFiles = 0
  public var threads = 0
  /// Seconds of processor time, of user and system.
  public var processorSeconds = 0.0
  /// Bytes that were fetched from storage for this process.
  public var storageReadBytes = 0
  public var majorFaults = 0
  public var machineBytes = 0
  public var machineUsedBytes = 0

  /// Values that cannot be read stay 0.
  public static func current() -> ProcessUsage {
    var usage = ProcessUsage()
    let status = fields(of: "/proc/self/status")
    usage.residentBytes = kibibytes(status["VmRSS"])
    usage.threads = status["Threads"].flatMap { Int($0) } ?? 0
    usage.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    usage.storageReadBytes = fields(of: "/proc/self/io")["read_bytes"].flatMap { Int($0) } ?? 0
    let machine = fields(of: "/proc/meminfo")
    usage.machineBytes = kibibytes(machine["MemTotal"])
    usage.machineUsedBytes = usage.machineBytes - kibibytes(machine["MemAvailable"])
    var resources = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &resources) == 0 {
      usage.processorSeconds = seconds(resources.ru_utime) + seconds(resources.ru_stime)
      usage.majorFaults = resources.ru_majflt
    }
    return usage
  }

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }

  private static func kibibytes(_ text: String?) -> Int {
    guard let number = text?.split(separator: " ").first.flatMap({ Int($0) }) else { return 0 }
    return number.multipliedReportingOverflow(by: 1024).partialValue
  }

  /// Lines of `name: value`.
  private static func fields(of path: String) -> [String: String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    return fields
  }
}
