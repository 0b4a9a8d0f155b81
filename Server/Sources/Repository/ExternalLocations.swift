import ONNXFormat

/// The external data that models name, remembered for as long as their files do not change.
struct ExternalLocations: Sendable {
  private struct Known: Sendable {
    var stamp: String
    var locations: [String]
  }

  private var before: [String: Known] = [:]
  private var now: [String: Known] = [:]

  /// - Parameter stamp: Changes when the file does.
  mutating func locations(of path: String, stamp: String) -> [String] {
    let known = (now[path] ?? before[path]).flatMap { $0.stamp == stamp ? $0 : nil }
    let current = known ?? Known(stamp: stamp, locations: ONNXModel.externalLocations(of: path))
    now[path] = current
    return current.locations
  }

  /// Forgets the models that were not asked for since the last call.
  mutating func forgetOthers() {
    before = now
    now = [:]
  }
}
