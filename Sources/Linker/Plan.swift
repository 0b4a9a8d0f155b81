import Device
import ModelGraph
import ModelStore
import Tensors

/// One compiled model specialised to concrete input shapes and thread counts: kernel calls and their memory.
///
/// Immutable and shared: any number of members may run one plan at the same time, each in an arena of its own.
public final class Plan: Sendable {
  /// One kernel call.
  public struct Step: Sendable {
    /// The node that it computes; a reorder is named after the node that asked for it.
    public var name: String
    public var kernel: any Kernel
    /// The numbers of threads that the kernel was made for, ascending.
    public var threads: [Int]
    public var call: KernelCall
    /// Extents, by index into ``Plan/extents``, that are read here for the first time: the step waits for their loads.
    public var waits: [Int]
  }

  /// A value that enters or leaves the plan.
  public struct Port: Sendable {
    public var name: String
    public var elementType: ElementType
    public var shape: Shape
    public var source: Source
    /// Bytes.
    public var byteCount: Int

    /// The location of the value.
    public enum Source: Sendable {
      case memory(Location)
      /// It follows from the shapes alone.
      case constant(Tensor)
    }
  }

  /// The remaining work if shapes depend on data: the rest of the graph, planned once the data are available.
  public struct Continuation: Sendable {
    /// The rest; its inputs are ``Plan/carried``, in order, and then the results of ``hostNodes``.
    public var graph: Graph
    /// The carried values that determine shapes, by index into ``Plan/carried``.
    public var decisive: [Int]
    /// The nodes that the host computes before the rest is planned.
    public var hostNodes: [HostNode]
    /// For each output of the model: its index in ``Plan/outputs``, or the index of the rest's output.
    public var outputs: [Output]
    /// The rows of the rest, if it keeps them apart.
    public var rows: RestRows?

    public enum Output: Sendable { case done(Int), rest(Int) }
  }

  /// A node that the host computes from carried values.
  public struct HostNode: Sendable {
    public var name: String
    public var op: Op
    /// By index into ``Plan/carried``; `nil` for an operand that is left out.
    public var operands: [Int?]
    /// The results that are used, by index.
    public var results: [Int]
    /// Names the body that plans of its rounds are made of.
    let body = PlanIdentity()
  }

  public let model: LinkableModel
  /// The plan's share in the account of all plans.
  let bytes: MemoryShare
  public let steps: [Step]
  /// Indices of the file's extents in the order in which they are first read. Slot `i + 1` of the memory table.
  public let extents: [Int]
  /// Bytes of the member's share of the arena, slot 0 of the memory table.
  public let arenaBytes: Int
  public let inputs: [Port]
  public let outputs: [Port]
  /// Values that the continuation needs.
  public let carried: [Port]
  public let continuation: Continuation?
  /// Warnings for the user: kernels that fall back to a reference implementation, weights that are reordered
  /// at run time.
  public let warnings: [String]
  /// About the time that its kernels take on one thread, in microseconds.
  let estimatedMicroseconds: Double
  /// The number of rows that its rest is planned for.
  let rowBound: RowBound
  /// True if a run of the plan needs a table of texts.
  public let hasStrings: Bool

  // Linking reads these each time, so they are worked out once.

  /// The extents that a member has to reserve: those of the plan, or all of the model's when the rest is planned later.
  public let reservedExtents: [Int]
  /// Page-rounded bytes of ``reservedExtents``.
  public let reservedExtentBytes: Int
  /// The step that waits for each of ``extents``; the number of steps where none does.
  public let firstSteps: [Int]
  /// Bytes of inputs and outputs on the host; `Int.max / 4` when there are more.
  public let requestBytes: Int
  /// The most threads that one of its steps can have.
  package let mostThreads: Int
  /// Bytes of what a run makes on the host; `Int.max / 4` when there are more.
  public let resultBytes: Int

  init(
    model: LinkableModel, bytes: MemoryShare, steps: [Step], extents: [Int], arenaBytes: Int, inputs: [Port],
    outputs: [Port], carried: [Port], continuation: Continuation?, warnings: [String],
    estimatedMicroseconds: Double, hasStrings: Bool
  ) {
    self.model = model
    self.bytes = bytes
    self.steps = steps
    self.extents = extents
    self.arenaBytes = arenaBytes
    self.inputs = inputs
    self.outputs = outputs
    self.carried = carried
    self.continuation = continuation
    self.warnings = warnings
    self.estimatedMicroseconds = estimatedMicroseconds
    rowBound = RowBound(after: estimatedMicroseconds)
    self.hasStrings = hasStrings
    let planned = Set(extents)
    reservedExtents =
      continuation == nil ? extents : extents + model.file.extents.indices.filter { !planned.contains($0) }
    reservedExtentBytes = reservedExtents.map { model.file.extents[$0].byteCount }.saturatingSum
    var firstSteps = [Int](repeating: steps.count, count: extents.count)
    for (number, step) in steps.enumerated() {
      for extent in step.waits { firstSteps[extent] = number }
    }
    self.firstSteps = firstSteps
    mostThreads = steps.reduce(1) { max($0, $1.threads.last ?? 1) }
    requestBytes = Plan.byteCount(of: inputs + outputs + carried)
    resultBytes = Plan.byteCount(of: outputs + carried)
  }

  /// Names the plan, and with it the graph that it left to do.
  let identity = PlanIdentity()

  /// A number that no other plan has for as long as the process lives: an object's address would be given out again.
  package var identityNumber: UInt64 { identity.number }

  private let learned = Locked(MemberMemory(arenaBytes: 0, requestBytes: 0))

  /// The memory of a member: that of the plan, or what a run needed once that came to a rest.
  public var memberMemory: MemberMemory { learned.withLock { $0 }.union(ownMemory) }

  /// The memory that the plan takes without a rest.
  public var ownMemory: MemberMemory { MemberMemory(arenaBytes: arenaBytes, requestBytes: requestBytes) }

  /// Returns the bytes that a member with this memory reserves, its weights included; `Int.max` when there are more.
  package func reservedBytes(with memory: MemberMemory) -> Int {
    reservedExtentBytes.adding(saturating: roundedToPages(memory.requestBytes))
      .adding(saturating: memory.arenaBytes)
  }

  /// Remembers what a run needed that came to a rest of this plan, for the members that are linked from now on.
  ///
  /// A need that no member can have is not remembered: it would keep out every later request, however small.
  /// - Parameter limit: the most bytes that a member can have beside its weights. Where this need and the earlier ones fit
  ///   alone and not together, the plan keeps this one.
  public func learn(_ memory: MemberMemory, limit: Int) {
    let need = memory.union(ownMemory)
    guard need.fits(limit) else { return }
    learned.withLock { learned in
      let all = learned.union(need)
      learned = all.fits(limit) ? all : need
    }
  }

  /// Forgets what runs needed: there is no room for it now.
  public func forget() { learned.withLock { $0 = ownMemory } }

  private static func byteCount(of ports: [Port]) -> Int {
    ports.reduce(0) { sum, port in
      let (bytes, overflow) = sum.addingReportingOverflow(port.byteCount)
      return overflow ? Int.max / 4 : min(bytes, Int.max / 4)
    }
  }

  /// Host bytes that a step with this kernel keeps, about.
  /// - Parameter counted: the shared parts that count for other steps already; those of the kernel are added.
  static func byteCount(of kernel: any Kernel, beside counted: inout Set<UInt>) -> Int {
    kernel.sharedParts.reduce(kernel.footprint + 512) { sum, part in
      counted.insert(part.identity).inserted ? sum + part.byteCount : sum
    }
  }

  /// Host bytes that the plan itself keeps, about: what the account of plans counts.
  public var footprint: Int {
    let constants = (outputs + carried).reduce(0) { sum, port in
      if case .constant(let tensor) = port.source { sum + tensor.byteCount } else { sum }
    }
    var counted: Set<UInt> = []
    return steps.reduce(256 + constants + (continuation?.graph.footprint ?? 0)) {
      $0 + Plan.byteCount(of: $1.kernel, beside: &counted)
    }
  }
}
