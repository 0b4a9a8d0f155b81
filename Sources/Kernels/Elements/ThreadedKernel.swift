import Device
import ModelGraph
import Tensors

/// A function on all threads, of operands and results in layouts that it knows.
final class ThreadedKernel: Kernel {
  typealias Body = @Sendable (_ frame: Frame, _ threads: Int) throws -> Void

  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let inPlaceOperands: [Int]
  let footprint: Int
  private let body: Body
  private let immediates: [TensorBuffer?]
  private let request: KernelRequest

  /// - Parameters:
  ///   - layouts: of operands; the others are plain.
  ///   - result: the layout of the first result; the others are plain.
  init(
    _ name: String, _ request: KernelRequest, layouts: [Int: Layout] = [:], result: Layout = .plain,
    inPlaceOperands: [Int] = [], _ body: @escaping Body
  ) throws {
    implementation = name
    operandLayouts = request.operands.indices.map { layouts[$0] ?? .plain }
    resultLayouts = request.results.indices.map { $0 == 0 ? result : .plain }
    self.inPlaceOperands = inPlaceOperands.filter { request.optionalOperand($0)?.immediate == nil }
    // Copied: an immediate's own bytes may be unaligned.
    immediates = try request.operands.map { operand in
      try operand?.immediate.map { tensor in
        try tensor.withUnsafeBytes { bytes in
          try TensorBuffer(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
        }
      }
    }
    footprint = immediates.reduce(512) { $0 + ($1?.bytes.count ?? 0) }
    self.body = body
    self.request = request.withoutElements
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    let host = try HostMemory.of(memory)
    guard call.operands.count == request.operands.count, call.results.count == request.results.count else {
      throw request.invalid("called with other operands or results than it was made for")
    }
    let operands = try zip(call.operands, immediates).map { location, immediate in
      try immediate.map { $0.bytes.baseAddress } ?? location.map { UnsafeRawPointer(try host.pointer($0)) }
    }
    let results = try zip(call.results, request.results).map { location, result in
      try result == nil ? nil : location.map { try host.pointer($0) }
    }
    let frame = Frame(operands: operands, results: results, scratch: nil)
    try withExtendedLifetime(self) { try body(frame, max(threads, 1)) }
  }
}
