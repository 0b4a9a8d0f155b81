import Engine

/// The parts of a machine's memory that the limits have unless they are set, so that all of them together fit the memory, or
/// the cgroup's limit, with some to spare for the page cache, from 128 MiB on.
///
/// The program and its connections come first; the rest is divided.
public struct MemoryShares: Sendable, Hashable {
  /// The program and its libraries (60 MiB of files), its threads' stacks and heaps, and the holes in these.
  public static let program = 96 << 20
  /// One connection of one port, at most: with TLS, the buffers that it has needed so far, an open call, and 4 KiB of headers.
  public static let connection = 160 << 10

  /// The most connections of each of two ports.
  public let connections: Int
  /// Bytes that are left beside the program and its connections.
  private let rest: Int

  /// - Parameter memory: bytes of the machine, or the limit of the cgroup.
  public init(of memory: Int) {
    connections = min(max(memory / 16 / (2 * Self.connection), 16), 1024)
    // Below that, nothing fits whatever the parts are.
    rest = max(memory - Self.program - connections * 2 * Self.connection, memory / 8)
  }

  /// Half of the rest.
  public var budget: Int { rest / 2 }
  public var plans: Int { min(rest / 8, 256 << 20) }
  public var models: Int { min(rest / 16, 256 << 20) }
  /// Requests and answers, and the largest single request.
  public var requests: Int { min(rest / 8, 1 << 30) }
  /// Input tensors that wait.
  public var queue: Int { min(rest / 16, 256 << 20) }

  /// All of them together.
  public var sum: Int {
    Self.program + connections * 2 * Self.connection + budget + plans + models + requests + queue
  }

  /// Of the memory that ``MemoryLimit`` tells.
  static var current: MemoryShares { MemoryShares(of: MemoryLimit.current ?? 1 << 30) }
}
