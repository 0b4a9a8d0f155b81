import Device
import ModelGraph
import Tensors

/// Kernels on plain layouts, in Swift: what the kernel library does not have or refuses.
///
/// A program is built for the op, then one for each post-op, which works on the first result in place.
package final class PortableKernel: Kernel {
  package let implementation: String
  package let isReference: Bool
  package let operandLayouts: [Layout]
  package let resultLayouts: [Layout]
  package let scratchBytes: Int
  package let inPlaceOperands: [Int]
  package let aliasedOperand: Int?
  package let partOffsets: [Int]?
  package let resultOffsets: [Int]?
  package let usesThreads = false
  package let footprint: Int
  private let body: Program.Body
  private let immediates: [TensorBuffer?]
  private let request: KernelRequest
  private let isEmpty: Bool

  /// A kernel for the request, or `nil` when there is none for its op and element types.
  /// - Throws: ``DeviceError`` when the request contradicts itself.
  package static func make(_ request: KernelRequest) throws -> (any Kernel)? {
    guard let program = try PostOperations.program(request) else { return nil }
    return try PortableKernel(request, program)
  }

  private init(_ request: KernelRequest, _ program: Program) throws {
    implementation = "swift:\(program.name)"
    isReference = program.isReference
    operandLayouts = request.operands.map { _ in .plain }
    resultLayouts = request.results.map { _ in .plain }
    scratchBytes = program.scratchBytes
    inPlaceOperands = program.inPlaceOperands.filter { request.operands[$0]?.immediate == nil }
    aliasedOperand = program.aliasedOperand.flatMap { request.operands[$0]?.immediate == nil ? $0 : nil }
    partOffsets = program.partOffsets
    resultOffsets = program.resultOffsets
    body = program.body
    // Copied: an immediate's own bytes may be unaligned.
    immediates = try request.operands.map { operand in
      try operand?.immediate.map { tensor in
        try tensor.withUnsafeBytes { bytes in
          try TensorBuffer(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
        }
      }
    }
    // The names, types and closures of a request take about half a kilobyte.
    footprint = immediates.reduce(512 + program.footprint) { $0 + ($1?.bytes.count ?? 0) }
    isEmpty = request.isEmpty
    self.request = request
  }

  package func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    if isEmpty { return }
    let host = try HostMemory.of(memory)
    guard call.operands.count == request.operands.count, call.results.count == request.results.count else {
      throw request.invalid("called with other operands or results than it was made for")
    }
    let operands = try zip(call.operands, immediates).map { location, immediate in
      try immediate.map { $0.bytes.baseAddress } ?? location.map { UnsafeRawPointer(try host.pointer($0)) }
    }
    for (operand, pointer) in zip(request.operands, operands) where operand != nil && pointer == nil {
      throw request.invalid("called without memory for an operand")
    }
    let results = try zip(call.results, request.results).map { location, result in
      try result == nil ? nil : location.map { try host.pointer($0) }
    }
    let frame = Frame(
      operands: operands, results: results, scratch: try call.scratch.map { try host.pointer($0) },
      strings: host.strings)
    do { try withExtendedLifetime(self) { try body(frame) } } catch let error as DeviceError {
      // Shapes were checked when the kernel was made, and the memory is there: what is left to be wrong is what operands hold.
      throw error.kind == .invalidArgument ? error.of(.invalidData) : error
    }
  }
}
