import CDNNL
import CElements
import Device
import ModelGraph
import Tensors

/// The weights of a request for an operator with small weights: its operands 1 to 3.
struct SmallMatrix: Sendable {
  let type: fi_small_type
  let depth: Int
  let columns: Int
  let block: Int

  /// True if the element types are those of an operator with small weights.
  static func suits(_ request: KernelRequest) -> Bool {
    guard let x = request.ownOperand(0), let weights = request.ownOperand(1), x.elementType == .float32,
      SmallPanels.holds(weights.elementType), request.optionalResult(0)?.elementType == .float32
    else { return false }
    return request.ownOperands.dropFirst(2).allSatisfy { $0.map { $0.elementType == .float32 } ?? true }
  }

  /// - Throws: ``DeviceError`` when the operands are no such weights.
  init(_ request: KernelRequest, columns: Int, block: Int) throws {
    let weights = try request.operand(1)
    switch weights.elementType {
    case .int8: type = FI_SMALL_INT8
    case .bfloat16: type = FI_SMALL_BFLOAT16
    case .float16: type = FI_SMALL_FLOAT16
    case let other: throw request.invalid("small weights are no \(other)")
    }
    try request.require(columns > 0 && block > 0, "\(columns) columns in blocks of \(block)")
    let panels = SmallPanels.count(columns: columns)
    let dims = weights.shape.dims
    try request.require(
      dims.count == 3 && dims[0] == panels && dims[2] == SmallPanels.width && dims[1] > 0,
      "the weights \(dims) are no panels of \(columns) columns")
    depth = dims[1]
    self.columns = columns
    self.block = min(block, depth)
    let scale = request.ownOperand(2)
    try request.require((type == FI_SMALL_INT8) == (scale != nil), "integers alone have a scale")
    if let scale {
      let blocks = SmallPanels.blocks(depth: depth, block: self.block)
      try request.require(
        scale.elementType == .float32 && scale.shape.dims == [panels, blocks, SmallPanels.width],
        "the scale \(scale.shape.dims) is not one number for each block")
    }
    if let bias = request.ownOperand(3) {
      try request.require(
        bias.elementType == .float32 && bias.shape.dims == [columns], "the bias is not one number a column")
    }
  }

  /// The matrix in the memory of a call.
  func raw(_ frame: Frame) throws -> fi_small_matrix {
    fi_small_matrix(
      type: type, depth: Int64(depth), columns: Int64(columns),
      weights: UnsafeRawPointer(try frame.operand(1, as: UInt8.self)),
      scale: type == FI_SMALL_INT8 ? try frame.operand(2, as: Float.self) : nil, block: Int64(block))
  }

  /// The best instructions that oneDNN uses here, too.
  static var instructions: fi_small_instructions {
    let effective = dnnl_get_effective_cpu_isa().rawValue
    func has(_ isa: dnnl_cpu_isa_t, _ instructions: fi_small_instructions) -> Bool {
      effective & isa.rawValue == isa.rawValue && fi_small_has(instructions) != 0
    }
    if has(dnnl_cpu_isa_avx512_core, FI_SMALL_AVX512) { return FI_SMALL_AVX512 }
    return has(dnnl_cpu_isa_avx2, FI_SMALL_AVX2) ? FI_SMALL_AVX2 : FI_SMALL_PORTABLE
  }
}

/// A computation with small weights on plain layouts, without post-ops, on any number of threads.
struct SmallComputation: Sendable {
  var name: String
  /// Bytes of scratch memory for so many threads.
  var scratchBytes: @Sendable (_ threads: Int) -> Int
  var run: @Sendable (_ frame: Frame, _ threads: Int) throws -> Void

  /// The computation on one thread.
  var program: Program {
    var program = Program(name: name) { [run] frame in try run(frame, 1) }
    program.scratchBytes = alignedScratch(scratchBytes(1))
    return program
  }
}

/// A ``SmallComputation`` on the threads of a lane.
final class SmallWeightsKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let scratchBytes: Int
  let footprint: Int
  private let request: KernelRequest
  private let computation: SmallComputation
  private let immediates: [TensorBuffer?]

  init(_ request: KernelRequest, _ computation: SmallComputation) throws {
    implementation = computation.name
    operandLayouts = request.operands.map { _ in .plain }
    resultLayouts = request.results.map { _ in .plain }
    scratchBytes = request.threads.map(computation.scratchBytes).max() ?? 0
    // Copied: an immediate's own bytes may be unaligned.
    immediates = try request.operands.map { operand in
      try operand?.immediate.map { tensor in
        try TensorBuffer(byteCount: tensor.byteCount) { bytes in
          tensor.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
      }
    }
    footprint = immediates.reduce(512) { $0 + ($1?.bytes.count ?? 0) }
    self.request = request.withoutElements
    self.computation = computation
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    guard request.threads.contains(threads), call.operands.count == immediates.count else {
      throw DeviceError(.invalidArgument, "was not made for \(threads) threads", in: request)
    }
    let host = try HostMemory.of(memory)
    let operands = try zip(call.operands, immediates).map { location, immediate in
      try immediate.map { $0.bytes.baseAddress } ?? location.map { UnsafeRawPointer(try host.pointer($0)) }
    }
    let frame = Frame(
      operands: operands, results: try call.results.map { try $0.map { try host.pointer($0) } },
      scratch: try call.scratch.map { try host.pointer($0) })
    try withExtendedLifetime(self) { try computation.run(frame, threads) }
  }
}
