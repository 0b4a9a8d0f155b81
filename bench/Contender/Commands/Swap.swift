import Device
import ModelStore

/// Throws a model's weights out, and measures from there to its first answer: plan looked up, linked, loaded, run.
struct Swap: Command {
  var model: String
  var sampling: Sampling
  var way: Way
  /// True to evict the activation arena too.
  var dropsArena: Bool?
  /// The way in which weights are loaded; mapped by default, as in the product.
  var load: LoadRequest.Way?

  enum Way: String, Decodable {
    /// The file's pages are in the page cache.
    case warm
    /// They are not: dropped before each run.
    case cold
  }

  func run(on bench: Bench) async throws -> any Encodable {
    let models = try bench.models([model])
    let residency = try bench.engine().residency
    let load = load ?? .mapped
    var cachedShare = 0.0
    let samples = try await sampling.milliseconds {
      if dropsArena == true { residency.evictIdle() } else { residency.evictIdleExtents() }
      for file in models.map(\.model.file) {
        switch way {
        case .warm: PageCache.fill(file)
        case .cold:
          PageCache.drop(file)
          cachedShare = max(cachedShare, PageCache.share(of: file))
        }
      }
    } _: {
      try await bench.run(try bench.link(models), models, way: load)
    }
    return Answer(ms: samples, cachedShare: way == .cold ? cachedShare : nil)
  }

  private struct Answer: Encodable {
    var ms: [Double]
    /// The largest share of the file that was still in the page cache before a cold run.
    var cachedShare: Double?
  }
}
