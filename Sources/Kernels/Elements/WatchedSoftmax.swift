import CElements
import CHost
import Device
import ModelGraph
import Tensors

extension Softmax: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.watchedSoftmax(request, axis: axis)
  }
}

extension OneDNNEngine {
  /// The library's softmax of a plain tensor. It leaves a NaN where one was, but finite numbers beside it.
  fileprivate func watchedSoftmax(_ request: KernelRequest, axis: Int) throws -> (any Kernel)? {
    try watchedSoftmaxAlone(request.keeping(postOps: 0), axis: axis).flatMap { try chain($0, of: request) }
  }

  private func watchedSoftmaxAlone(_ request: KernelRequest, axis: Int) throws -> (any Kernel)? {
    guard let x = request.ownOperand(0), x.layout == .plain, fi_floats_note_invalid() != 0 else { return nil }
    let axis = axis < 0 ? axis + x.shape.rank : axis
    guard x.shape.dims.indices.contains(axis) else { return nil }
    let (outer, count, inner) = x.shape.split(at: axis)
    var kernel: (any Kernel)?
    if let draft = try draft(request) { kernel = try primitive(draft, request) }
    kernel = try kernel ?? outerSoftmax(request, axis: axis)
    guard let kernel, kernel.operandLayouts[0] == .plain, kernel.resultLayouts[0] == .plain else {
      return nil
    }
    return WatchedSoftmax(kernel, outer: outer, count: count, inner: inner)
  }
}

/// A softmax whose lines are NaN throughout where the processor met one.
private final class WatchedSoftmax: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let inPlaceOperands: [Int]
  let scratchBytes: Int
  let footprint: Int
  let sharedParts: [SharedPart]
  private let kernel: any Kernel
  private let lines: (outer: Int64, count: Int64, inner: Int64)

  init(_ kernel: any Kernel, outer: Int, count: Int, inner: Int) {
    self.kernel = kernel
    lines = (Int64(outer), Int64(count), Int64(inner))
    implementation = kernel.implementation
    operandLayouts = kernel.operandLayouts
    resultLayouts = kernel.resultLayouts
    inPlaceOperands = kernel.inPlaceOperands
    scratchBytes = kernel.scratchBytes
    footprint = kernel.footprint
    sharedParts = kernel.sharedParts
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    _ = fi_floats_take_invalid(0)
    try kernel.run(call, on: memory, threads: threads)
    guard fi_elements_met_nan(Int32(clamping: threads), 0) != 0, let result = call.results[0] else { return }
    // The result is plain floats: the kernel was made for them.
    let numbers = try HostMemory.of(memory).pointer(result).assumingMemoryBound(to: Float.self)
    fi_elements_spread_nan(numbers, lines.outer, lines.count, lines.inner)
  }
}
