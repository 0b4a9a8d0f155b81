import Foundation

/// The number of files and connections that the process may have open.
enum DescriptorLimit {
  /// More than this is of no use, and some systems allow a billion.
  private static let most: rlim_t = 1 << 20

  /// Raises the limit as far as the system allows without privileges.
  /// - Returns: the limit then.
  static func raise() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    let wanted = min(limit.rlim_max, max(most, limit.rlim_cur))
    if limit.rlim_cur < wanted {
      var raised = limit
      raised.rlim_cur = wanted
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// The most connections of one port: a quarter of the descriptors, and 64 at least, is kept for models' files, and what the
  /// server itself has open.
  static func connections(of descriptors: Int, ports: Int, wanted: Int) -> Int {
    max(1, min(wanted, (descriptors - max(64, descriptors / 4)) / max(ports, 1)))
  }

  /// The number of models that may stay open beside so many connections. What the server itself has open takes 64 at most.
  static func models(of descriptors: Int, connections: Int) -> Int {
    max(1, descriptors - connections - 64)
  }
}
