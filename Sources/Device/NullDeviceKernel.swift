import ModelGraph
import Tensors

/// A kernel of the null device: checks where its operands and results lie, and tells that it was called.
final class NullKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let inPlaceOperands: [Int]
  let aliasedOperand: Int?
  let partOffsets: [Int]?
  let resultOffsets: [Int]?
  private let device: NullDevice
  private let model: String
  private let node: String
  private let threads: [Int]
  private let request: KernelRequest
  /// Bytes of each operand that has memory, and of each result.
  private let operandBytes: [Int?]
  private let resultBytes: [Int?]

  init(_ request: KernelRequest, on device: NullDevice, scratchBytes: Int, isReorder: Bool = false) throws {
    implementation = isReorder ? "null:reorder" : "null:\(request.op.name)"
    operandLayouts = request.operands.map { _ in .plain }
    resultLayouts = request.results.map { _ in .plain }
    operandBytes = try request.operands.map { operand in
      guard let operand, operand.immediate == nil else { return nil }
      return try device.byteCount(of: operand.elementType, operand.shape, in: operand.layout)
    }
    resultBytes = try request.results.map { result in
      try result.map { try device.byteCount(of: $0.elementType, $0.shape, in: .plain) }
    }
    let isView = !isReorder && request.op.isView && request.postOps.isEmpty
    let hasOperand = operandBytes.first.flatMap { $0 } != nil
    aliasedOperand = isView && hasOperand ? 0 : nil
    inPlaceOperands =
      !isView && request.op.isElementwise && hasOperand && operandBytes.first == resultBytes.first ? [0] : []
    partOffsets = request.joins ? starts(of: operandBytes) : nil
    resultOffsets = request.splits ? starts(of: resultBytes) : nil
    self.scratchBytes = aliasedOperand == nil ? scratchBytes : 0
    self.device = device
    self.request = request
    model = request.model
    node = request.node
    threads = request.threads
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard self.threads.contains(threads) else {
      throw DeviceError(
        .invalidArgument, "\(threads) threads; the kernel is made for \(self.threads)", in: request)
    }
    try check(call, on: NullMemory.of(memory))
    let held: NullDeviceKernelRun? = device.update { state in
      state.events.append(.kernelStarted(model: model, node: node, threads: threads))
      guard state.manualKernels else {
        state.events.append(.kernelFinished(model: model, node: node))
        return nil
      }
      let run = NullDeviceKernelRun(model: model, node: node)
      state.runningKernels.append(run)
      return run
    }
    try held?.wait()
  }

  /// Every operand, result and the scratch memory lies in live memory, and no result on anything but an operand
  /// that it may replace.
  private func check(_ call: KernelCall, on memory: NullMemory) throws {
    let operands = try ranges(call.operands, operandBytes, "operand", on: memory)
    let results = try ranges(call.results, resultBytes, "result", on: memory)
    var written = results
    if scratchBytes > 0 {
      guard let scratch = call.scratch else {
        throw DeviceError(.invalidArgument, "a call without its scratch memory", in: request)
      }
      written.append(try memory.range(of: scratch, byteCount: scratchBytes))
    }
    for (index, range) in written.enumerated() {
      guard let range else { continue }
      for (position, operand) in operands.enumerated() where operand?.overlaps(range) ?? false {
        if index == 0, operand == range, inPlaceOperands.contains(position) { continue }
        throw DeviceError(.memory, "result \(index) lies on operand \(position)", in: request)
      }
      for other in written[..<index] where other?.overlaps(range) ?? false {
        throw DeviceError(.memory, "result or scratch memory \(index) lies on another result", in: request)
      }
    }
  }

  private func ranges(
    _ locations: [Location?], _ byteCounts: [Int?], _ what: String, on memory: NullMemory
  ) throws -> [NullMemory.Range?] {
    guard locations.count == byteCounts.count else {
      throw DeviceError(
        .invalidArgument, "\(locations.count) places for \(byteCounts.count) \(what)s", in: request)
    }
    return try zip(locations, byteCounts).enumerated().map { index, pair in
      guard let byteCount = pair.1 else { return nil }
      guard let location = pair.0 else {
        throw DeviceError(.invalidArgument, "\(what) \(index) has no place", in: request)
      }
      do { return try memory.range(of: location, byteCount: byteCount) } catch {
        throw DeviceError(.memory, "\(what) \(index): \(error)", in: request)
      }
    }
  }
}

/// The null device's memory table.
///
/// @unchecked Sendable: one lane uses a table at a time, which ``BoundMemory`` promises.
final class NullMemory: BoundMemory, @unchecked Sendable {
  /// Bytes of a piece of memory.
  struct Range: Equatable {
    var handle: MemoryHandle
    var bytes: Swift.Range<Int>

    func overlaps(_ other: Range) -> Bool { handle == other.handle && bytes.overlaps(other.bytes) }
  }

  var strings: StringTable?
  private var spans: [MemorySpan?]
  private let device: NullDevice

  init(slots: Int, of device: NullDevice) {
    spans = Array(repeating: nil, count: max(slots, 0))
    self.device = device
  }

  func attach(_ span: MemorySpan, to slot: Int) throws {
    guard spans.indices.contains(slot) else {
      throw DeviceError(.invalidArgument, "slot \(slot) of a memory table of \(spans.count)")
    }
    guard span.offset >= 0, device.state.withLock({ $0.memory.byteCount(of: span.handle) }) > span.offset
    else {
      throw DeviceError(.memory, "slot \(slot): no memory \(span.handle.rawValue) at offset \(span.offset)")
    }
    spans[slot] = span
  }

  /// The bytes at `location`.
  /// - Throws: ``DeviceError`` unless they are in live memory.
  func range(of location: Location, byteCount: Int) throws -> Range {
    guard spans.indices.contains(location.slot), let span = spans[location.slot] else {
      throw DeviceError(.invalidArgument, "memory slot \(location.slot) is not attached")
    }
    let size = device.state.withLock { $0.memory.byteCount(of: span.handle) }
    let (start, overflow) = span.offset.addingReportingOverflow(location.offset)
    guard !overflow, start >= 0, start <= size, byteCount <= size - start else {
      throw DeviceError(
        .memory,
        "\(byteCount) bytes at \(location.offset) of slot \(location.slot) lie outside of its \(size) bytes")
    }
    return Range(handle: span.handle, bytes: start..<start + byteCount)
  }

  static func of(_ memory: any BoundMemory) throws -> NullMemory {
    guard let null = memory as? NullMemory else {
      throw DeviceError(.invalidArgument, "a memory table of another device")
    }
    return null
  }
}

/// Returns the offsets of pieces laid one behind the other, or `nil` if one has no bytes of its own.
private func starts(of byteCounts: [Int?]) -> [Int]? {
  var (offsets, end): ([Int], Int) = ([], 0)
  for byteCount in byteCounts {
    guard let byteCount else { return nil }
    offsets.append(end)
    let (sum, overflow) = end.addingReportingOverflow(byteCount)
    if overflow { return nil }
    end = sum
  }
  return offsets
}

extension KernelRequest {
  /// True when the result is the operands one behind the other.
  fileprivate var joins: Bool {
    guard let concat = op.as(Concat.self), postOps.isEmpty, let result = results.first ?? nil else {
      return false
    }
    return result.shape.isOutermost(concat.axis)
  }

  /// True when the first operand is the results one behind the other.
  fileprivate var splits: Bool {
    guard let split = op.as(Split.self), postOps.isEmpty, let operand = operands.first ?? nil else {
      return false
    }
    return operand.shape.isOutermost(split.axis)
  }
}

extension Shape {
  /// True when every axis in front of this one has one element.
  fileprivate func isOutermost(_ axis: Int) -> Bool {
    let axis = axis < 0 ? axis + rank : axis
    return dims.indices.contains(axis) && dims[..<axis].allSatisfy { $0 == 1 }
  }
}

extension Op {
  /// True when an element of the result depends on the same element of the first operand.
  fileprivate var isElementwise: Bool {
    self.is(Unary.self) || self.is(Binary.self)
  }
}
