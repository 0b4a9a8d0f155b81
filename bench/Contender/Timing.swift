import Executor

/// Milliseconds that `body` takes.
func elapsed(_ body: () async throws -> Void) async rethrows -> Double {
  let start = monotonicNanoseconds()
  try await body()
  return Double(monotonicNanoseconds() - start) / 1e6
}

/// The number of repetitions of a measurement: until the seconds are over, and between `least` and `most`
/// times.
struct Sampling: Decodable, Sendable {
  var seconds: Double
  var least: Int
  var most: Int

  /// Measures `body` again and again.
  func milliseconds(
    before: () throws -> Void = {}, _ body: () async throws -> Void
  ) async throws -> [Double] {
    let end = monotonicNanoseconds() + UInt64(seconds * 1e9)
    var samples: [Double] = []
    while samples.count < least || (samples.count < most && monotonicNanoseconds() < end) {
      try before()
      samples.append(try await elapsed(body))
    }
    return samples
  }
}

/// Samples as the protocol carries them.
struct Samples: Encodable {
  var ms: [Double]
}
