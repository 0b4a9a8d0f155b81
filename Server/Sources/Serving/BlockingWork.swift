import Dispatch

/// Runs work that blocks (opening files, decoding graphs, planning) away from Swift's cooperative threads.
public struct BlockingWork: Sendable {
  private let queue: DispatchQueue

  /// - Parameter label: for debuggers.
  public init(_ label: String) { queue = DispatchQueue(label: label, attributes: .concurrent) }

  /// Runs work that grows with `byteCount`: here when it is short, or else away.
  public func run<Result: Sendable>(
    ofBytes byteCount: Int, _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    byteCount < 64 << 10 ? try body() : try await run(body)
  }

  public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}
