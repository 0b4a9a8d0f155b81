/// A place in device memory as a plan knows it: an index into the plan's memory table, and bytes from its start.
public struct Location: Sendable, Hashable {
  public var slot: Int
  public var offset: Int

  public init(slot: Int, offset: Int) {
    self.slot = slot
    self.offset = offset
  }
}

/// The locations of operands and results for one call of a kernel.
public struct KernelCall: Sendable, Hashable {
  /// In the order of the request's operands; `nil` for absent and immediate ones.
  public var operands: [Location?]
  public var results: [Location?]
  /// At least ``Kernel/scratchBytes`` bytes, when that is not zero.
  public var scratch: Location?

  public init(operands: [Location?], results: [Location?], scratch: Location? = nil) {
    self.operands = operands
    self.results = results
    self.scratch = scratch
  }
}

/// One node's computation for concrete shapes. Immutable: any number of lanes may run one kernel at the same time.
public protocol Kernel: AnyObject, Sendable {
  /// The kernel library's name of the implementation, for traces.
  var implementation: String { get }
  /// True when the kernel library has no optimised implementation and this is its slow reference one.
  var isReference: Bool { get }
  /// The layouts that the operands must have, in the request's order. Immediates and absent ones: anything.
  var operandLayouts: [Layout] { get }
  /// The layouts that the results get.
  var resultLayouts: [Layout] { get }
  /// Bytes of scratch memory that a call needs.
  var scratchBytes: Int { get }
  /// The operands in whose memory the first result may lie.
  var inPlaceOperands: [Int] { get }
  /// The operand that the first result is a view of, byte for byte: nothing needs to run then.
  var aliasedOperand: Int? { get }
  /// The byte offset of each operand within the first result, if that result is the operands laid side by
  /// side in this order. No kernel has to run if memory is arranged accordingly. The operands' sizes are
  /// those of their layouts.
  var partOffsets: [Int]? { get }
  /// The byte offset of each result within the first operand, if every result is a contiguous range of it. No
  /// kernel has to run if memory is arranged accordingly. The offset of an unused result is 0.
  var resultOffsets: [Int]? { get }
  /// False when a call computes on one thread, however many it may have.
  var usesThreads: Bool { get }
  /// Bytes that the kernel itself keeps on the host (immediates, code), about, without ``sharedParts``.
  var footprint: Int { get }
  /// Parts on the host that it may have in common with other kernels: a plan counts each once.
  var sharedParts: [SharedPart] { get }

  /// Computes. Called on a lane's thread, or in the place of one; returns when the results are there for the next kernel of that lane.
  /// - Parameter threads: one of the request's thread counts.
  /// - Throws: ``DeviceError`` with the node, when the kernel library fails.
  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws
}

/// Host memory that several kernels may have in common.
public struct SharedPart: Sendable, Hashable {
  /// Equal for the same memory, as long as one of its kernels lives.
  public var identity: UInt
  public var byteCount: Int

  public init(identity: UInt, byteCount: Int) {
    self.identity = identity
    self.byteCount = byteCount
  }
}

extension Kernel {
  public var isReference: Bool { false }
  public var scratchBytes: Int { 0 }
  public var inPlaceOperands: [Int] { [] }
  public var aliasedOperand: Int? { nil }
  public var partOffsets: [Int]? { nil }
  public var resultOffsets: [Int]? { nil }
  public var usesThreads: Bool { true }
  public var footprint: Int { 0 }
  public var sharedParts: [SharedPart] { [] }
}
