import CElements
import CHost
import CDNNL
import Device
import ModelGraph
import Tensors

// The library's functions that lose NaNs are as fast as there can be, and the processor notes for nothing when one of their
// instructions meets a NaN. So they run, and only if one was met the result is computed again, by way of a function of our own.

extension OneDNNEngine {
  /// The draft's primitive, whose last post-op loses NaNs, and the post-ops that it does not fuse. That post-op is a kernel of its
  /// own where nobody would notice.
  func watched(_ draft: PrimitiveDraft, _ request: KernelRequest) throws -> (any Kernel)? {
    let fused = draft.fusion.count
    if let kernel = try watchedPrimitive(draft, request) {
      return fused == request.postOps.count ? kernel : try chain(kernel, after: fused, request)
    }
    let head = request.keeping(postOps: fused - 1)
    return try kernel(head).flatMap { try chain($0, after: fused - 1, request) }
  }

  private func watchedPrimitive(_ draft: PrimitiveDraft, _ request: KernelRequest) throws -> (any Kernel)? {
    let fused = draft.fusion.count
    guard fi_floats_note_invalid() != 0, let result = request.optionalResult(0),
      let function = request.function(ofPostOp: fused - 1),
      let kernel = try primitive(draft, request) as? PrimitiveKernel, !kernel.isReference,
      let count = try floats(
        in: kernel.resultLayouts[0], of: result.shape, wherePaddingStays: function.keepsZero)
    else { return nil }
    let head = request.keeping(postOps: fused - 1)
    let pins = kernel.pins
    var scratch = kernel.scratchBytes
    for threads in request.threads {
      guard let descriptor = try unfused(head, pins, threads)?.descriptor else { return nil }
      scratch = max(scratch, descriptor.scratchBytes)
    }
    return WatchedKernel(
      kernel, function, count: count, scratchBytes: scratch,
      again: { [self] threads in
        var one = head
        one.threads = [threads]
        return try PrimitiveCache.shared.useOnce {
          try reporting(one) {
            guard let (draft, descriptor) = try unfused(one, pins, threads) else { return nil }
            return try PrimitiveKernel(draft, chosen: descriptor, lead: threads, for: one, on: handle)
          }
        }
      })
  }

  /// The primitive without the last post-op, in just these layouts.
  private func unfused(_ head: KernelRequest, _ pins: PrimitiveDraft.Pins, _ threads: Int) throws -> (
    draft: PrimitiveDraft, descriptor: PrimitiveDescriptor
  )? {
    setOpenMPThreads(threads)
    guard let draft = try draft(head), draft.fusion.count == head.postOps.count,
      let descriptor = try draft.describe(pins)
    else { return nil }
    return (draft, descriptor)
  }

  /// A function of one operand that loses NaNs; `nil` for others.
  func watchedFunction(_ request: KernelRequest, _ function: UnaryFunction) throws -> (any Kernel)? {
    guard let chain = EltwiseFunction.chain(function), chain.count == 1,
      chain[0].losesNaN, fi_floats_note_invalid() != 0, let x = request.ownOperand(0), x.immediate == nil,
      let draft = try eltwise(request, chain),
      let kernel = try primitive(draft, request), !kernel.isReference,
      kernel.operandLayouts[0] == kernel.resultLayouts[0],
      let count = try floats(in: kernel.resultLayouts[0], of: x.shape, wherePaddingStays: function.keepsZero)
    else { return nil }
    return WatchedKernel(kernel, function, count: count, scratchBytes: kernel.scratchBytes, again: nil)
  }
}

extension KernelRequest {
  /// The function of one element that a post-op is; `nil` when it takes a whole tensor.
  fileprivate func function(ofPostOp index: Int) -> UnaryFunction? {
    switch postOps[index] {
    case .unary(let function): function
    case .binary(.maximum, let operand):
      optionalOperand(operand)?.number.map { .clip(minimum: Double($0), maximum: .infinity) }
    case .binary(.minimum, let operand):
      optionalOperand(operand)?.number.map { .clip(minimum: -.infinity, maximum: Double($0)) }
    case .binary: nil
    }
  }
}

extension UnaryFunction {
  /// True when zeros become zeros.
  fileprivate var keepsZero: Bool {
    switch self {
    case .relu, .gelu: true
    case .clip(let minimum, let maximum): minimum <= 0 && maximum >= 0
    default: false
    }
  }
}

/// A primitive whose last function loses NaNs. When the processor met one, the result is computed again without that function,
/// which is then applied by code of our own.
private final class WatchedKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let footprint: Int
  let sharedParts: [SharedPart]
  private let kernel: any Kernel
  private let function: UnaryFunction
  private let count: Int
  private let again: (@Sendable (_ threads: Int) throws -> (any Kernel)?)?

  /// - Parameters:
  ///   - count: the numbers of the result, padding included.
  ///   - again: makes the primitive without the function; `nil` when the function is all of it.
  init(
    _ kernel: any Kernel, _ function: UnaryFunction, count: Int, scratchBytes: Int,
    again: (@Sendable (_ threads: Int) throws -> (any Kernel)?)?
  ) {
    self.kernel = kernel
    self.function = function
    self.count = count
    self.scratchBytes = scratchBytes
    self.again = again
    implementation = kernel.implementation
    operandLayouts = kernel.operandLayouts
    resultLayouts = kernel.resultLayouts
    footprint = kernel.footprint
    sharedParts = kernel.sharedParts
  }

  /// A float's infinity may come of an exact number on the way, in the library's error function.
  private var minds: Int32 { if case .gelu = function { 1 } else { 0 } }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    _ = fi_floats_take_invalid(minds)
    try kernel.run(call, on: memory, threads: threads)
    guard fi_elements_met_nan(Int32(clamping: threads), minds) != 0 else { return }
    let host = try HostMemory.of(memory)
    var source = call.operands[0]
    if let again {
      guard let unfused = try again(threads) else {
        throw DeviceError(.kernelLibrary, "oneDNN no longer has an implementation of \(implementation)")
      }
      try unfused.run(call, on: memory, threads: threads)
      source = call.results[0]
    }
    guard let source, let target = call.results[0] else { return }
    RealFunction.apply(
      function, Float.self, UnsafeRawPointer(try host.pointer(source)), try host.pointer(target), count)
  }
}
