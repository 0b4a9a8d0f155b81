import CDNNL
import CHost
import Device
import ModelGraph
import Tensors

/// A oneDNN primitive as a kernel: compiled once for each thread count, with equal layouts.
final class PrimitiveKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let inPlaceOperands: [Int]
  let partOffsets: [Int]?
  let footprint: Int
  let sharedParts: [SharedPart]
  var isReference: Bool { Grade(implementation) == .reference }

  /// The layouts of everything that the primitive takes and makes.
  let pins: PrimitiveDraft.Pins
  private let request: KernelRequest
  /// The thread counts of the program's primitives.
  private let threads: [Int]
  private let program: PrimitiveProgram
  private let idle = IdleContexts()
  /// The operand that has to lie where the result will, because the primitive adds to what is there.
  private let sum: Sum?

  private struct Sum: Sendable {
    var operand: Int
    var byteCount: Int
  }

  /// Compiles what `draft` chose.
  /// - Returns: `nil` when another thread count has no implementation with the same layouts.
  /// - Parameter lead: the thread count that it was chosen for.
  init?(
    _ draft: PrimitiveDraft, chosen: PrimitiveDescriptor, lead: Int, for request: KernelRequest,
    on engine: EngineHandle
  ) throws {
    let pins = try draft.pins(from: chosen)
    var constants: [Int32: TensorBuffer] = [:]
    var operandLayouts = request.operands.map { _ in Layout.plain }
    for argument in draft.allOperands {
      guard let operand = request.optionalOperand(argument.index), let pin = pins[argument.number] else {
        return nil
      }
      if let tensor = operand.immediate {
        constants[argument.number] = try pack(
          tensor, argument.preparation, as: argument.view, into: pin, on: engine)
      } else if let layout = try argument.layout(pin) {
        operandLayouts[argument.index] = layout
      } else {
        return nil
      }
    }
    var resultLayouts = request.results.map { _ in Layout.plain }
    for argument in draft.results {
      guard let pin = pins[argument.number], let layout = try argument.layout(pin) else {
        return nil
      }
      resultLayouts[argument.index] = layout
    }
    var bindings: [PrimitiveProgram.Binding] = []
    for argument in draft.allOperands {
      let source = constants[argument.number].map { PrimitiveProgram.Source.constant($0) }
      bindings.append(.init(argument.number, source ?? .operand(argument.index)))
    }
    bindings += draft.results.map { .init($0.number, .result($0.index)) }
    var primitives: [Primitive] = []
    for threads in request.threads {
      setOpenMPThreads(threads)
      guard let descriptor = threads == lead ? chosen : try draft.describe(pins),
        descriptor.grade >= chosen.grade
      else { return nil }
      primitives.append(try Primitive(descriptor))
    }
    var sum: Sum?
    if let added = draft.fusion.sum, let layout = resultLayouts.first, let pin = pins[DNNL_ARG_DST] {
      operandLayouts[added.index] = layout
      sum = Sum(operand: added.index, byteCount: pin.byteCount)
    }
    self.sum = sum
    self.pins = pins
    threads = request.threads
    program = PrimitiveProgram(primitives, bindings, on: engine)
    self.request = request.withoutElements
    self.operandLayouts = operandLayouts
    self.resultLayouts = resultLayouts
    implementation = chosen.implementation
    inPlaceOperands =
      (sum.map { [$0.operand] } ?? [])
      + draft.inPlaceOperands.filter {
        sum == nil && request.optionalOperand($0)?.immediate == nil
          && operandLayouts[$0] == resultLayouts.first
      }
    partOffsets = try draft.partOffsets(pins)
    scratchBytes = program.scratchBytes
    let cost = PrimitiveCost(of: implementation)
    footprint =
      constants.values.reduce(bindings.count * PrimitiveCost.memoryObject) { $0 + $1.bytes.count }
      + primitives.count * cost.handle
    let shared = cost.code + draft.tableBytes(implementation)
    sharedParts = primitives.compactMap { primitive in
      primitive.identity.map { SharedPart(identity: $0, byteCount: shared) }
    }
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard let index = self.threads.firstIndex(of: threads) else {
      throw DeviceError(.invalidArgument, "was not made for \(threads) threads", in: request)
    }
    let host = try HostMemory.of(memory)
    if let sum, let source = call.operands[sum.operand], let target = call.results[0], source != target {
      try host.pointer(target).copyMemory(from: host.pointer(source), byteCount: sum.byteCount)
    }
    try reporting(request) {
      setOpenMPThreads(threads)
      let context = try idle.take() ?? program.makeContext()
      try context.run(index, call, on: host)
      idle.give(context)
    }
  }
}

/// The host memory that one primitive takes, about, by `bench/primitive-bytes.c`, which measures 200 sizes of each kind.
struct PrimitiveCost {
  /// Heap and pages of code that equal primitives share while the library keeps them.
  var code: Int
  /// Heap of each primitive beside that.
  var handle: Int

  /// Heap of an argument of a call, with its share of the rest of a call's context.
  static let memoryObject = 1 << 10

  static func isBatchReduced(_ implementation: String) -> Bool { implementation.contains("br") }

  init(of implementation: String) {
    // Batch-reduced products, convolutions among them, compile many kernels for one primitive: 52 to 120 KiB in all. The
    // others take 12 to 27 KiB.
    (code, handle) = Self.isBatchReduced(implementation) ? (88 << 10, 16 << 10) : (26 << 10, 2 << 10)
  }
}

/// Contexts that no call uses at the moment. They are made on demand and used again: there are as many as lanes ever ran
/// the kernel at the same time.
private final class IdleContexts: Sendable {
  private let contexts = Locked<[ExecutionContext]>([])

  func take() -> ExecutionContext? { contexts.withLock { $0.popLast() } }
  func give(_ context: ExecutionContext) { contexts.withLock { $0.append(context) } }
}

/// Sets how many threads the calling thread's primitives are compiled for and run on, from now on.
package func setOpenMPThreads(_ count: Int) {
  // 0 says that the library has no OpenMP: it runs everything on the calling thread then.
  _ = fi_set_openmp_threads(Int32(clamping: max(count, 1)))
}
