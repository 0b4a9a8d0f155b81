import Foundation

/// Reads a large block of memory with some threads: what products with one row are bound by.
struct Bandwidth: Command {
  var threads: Int
  var sampling: Sampling

  private static let bytesPerThread = 256 << 20

  func run(on bench: Bench) async throws -> any Encodable {
    let vectors = Bandwidth.bytesPerThread / MemoryLayout<SIMD8<UInt64>>.stride
    let blocks = (0..<threads).map { _ in
      Block(UnsafeMutableBufferPointer<SIMD8<UInt64>>.allocate(capacity: vectors))
    }
    defer { for block in blocks { block.vectors.deallocate() } }
    for block in blocks { block.vectors.initialize(repeating: SIMD8(repeating: 1)) }
    let samples = try await sampling.milliseconds {
      DispatchQueue.concurrentPerform(iterations: threads) { blocks[$0].read() }
    }
    let bytes = Double(threads * Bandwidth.bytesPerThread)
    return Answer(gigabytesPerSecond: samples.map { bytes / $0 / 1e6 })
  }

  private struct Answer: Encodable { var gigabytesPerSecond: [Double] }
}

/// Memory of one thread.
///
/// @unchecked Sendable: each block is read by one thread, and written before any starts.
private final class Block: @unchecked Sendable {
  let vectors: UnsafeMutableBufferPointer<SIMD8<UInt64>>
  private var sum = SIMD8<UInt64>(repeating: 0)

  init(_ vectors: UnsafeMutableBufferPointer<SIMD8<UInt64>>) { self.vectors = vectors }

  /// Reads all of it, in four streams so that no addition waits for another.
  func read() {
    var sums = (sum, sum, sum, sum)
    let quarter = vectors.count / 4
    for index in 0..<quarter {
      sums.0 &+= vectors[index]
      sums.1 &+= vectors[index + quarter]
      sums.2 &+= vectors[index + 2 * quarter]
      sums.3 &+= vectors[index + 3 * quarter]
    }
    // Kept, so that reading is not optimised away.
    sum = sums.0 &+ sums.1 &+ sums.2 &+ sums.3
  }
}
