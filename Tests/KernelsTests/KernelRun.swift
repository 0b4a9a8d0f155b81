import Device
import ModelGraph
import Tensors
import Testing

/// Runs one kernel on a device, with memory that shows what was written where it should not be.
struct KernelRun {
  let device: any Device
  let request: KernelRequest
  let kernel: any Kernel
  private var size = 0
  private static let guardBytes = 64
  private static let sentinel: UInt8 = 0xa5

  init(_ kernel: any Kernel, _ request: KernelRequest, on device: any Device) {
    (self.kernel, self.request, self.device) = (kernel, request, device)
  }

  /// The results for `operands`, plain.
  /// - Parameter inPlace: the operand in whose memory the first result is to lie.
  mutating func results(_ operands: [Tensor?], inPlace: Int? = nil, threads: Int = 1) throws -> [Tensor?] {
    var reorders: [(kernel: any Kernel, call: KernelCall)] = []
    var after: [(kernel: any Kernel, call: KernelCall)] = []
    var given: [Location?] = []
    var inputs: [Location?] = []
    for (index, tensor) in operands.enumerated() {
      guard tensor != nil, let operand = request.operands[index], operand.immediate == nil else {
        given.append(nil)
        inputs.append(nil)
        continue
      }
      let location = place(
        try device.byteCount(of: operand.elementType, operand.shape, in: operand.layout))
      given.append(location)
      let layout = kernel.operandLayouts[index]
      if layout == operand.layout {
        inputs.append(location)
      } else {
        let type = KernelRequest.ResultType(operand.elementType, operand.shape)
        let reorder = try device.makeReorder(copy(from: operand.layout, type), to: layout)
        let packed = place(try device.byteCount(of: operand.elementType, operand.shape, in: layout))
        reorders.append((reorder, call(reorder, location, packed)))
        inputs.append(packed)
      }
    }
    var outputs: [Location?] = []
    var finals: [Location?] = []
    for (index, result) in request.results.enumerated() {
      guard let result else {
        outputs.append(nil)
        finals.append(nil)
        continue
      }
      let layout = kernel.resultLayouts[index]
      let bytes = try device.byteCount(of: result.elementType, result.shape, in: layout)
      let location = index == 0 ? (inPlace.flatMap { inputs[$0] } ?? place(bytes)) : place(bytes)
      outputs.append(location)
      if layout == .plain {
        finals.append(location)
      } else {
        let reorder = try device.makeReorder(copy(from: layout, result), to: .plain)
        let final = place(try device.byteCount(of: result.elementType, result.shape, in: .plain))
        after.append((reorder, call(reorder, location, final)))
        finals.append(final)
      }
    }
    let scratch = kernel.scratchBytes > 0 ? place(kernel.scratchBytes) : nil
    let arena = try device.allocate(byteCount: max(size, 1))
    defer { device.release(arena) }
    let memory = device.makeBoundMemory(slots: 1)
    try memory.attach(MemorySpan(arena), to: 0)
    memory.strings = StringTable()
    try [UInt8](repeating: Self.sentinel, count: size).withUnsafeBytes {
      try device.write($0, to: Location(slot: 0, offset: 0), of: memory)
    }
    for (index, location) in zip(operands.indices, given) {
      guard let tensor = operands[index], let operand = request.operands[index], let location else {
        continue
      }
      let packed = try device.pack(tensor, as: operand.layout)
      try device.write(packed.bytes, to: location, of: memory)
    }
    for reorder in reorders { try reorder.kernel.run(reorder.call, on: memory, threads: 1) }
    try kernel.run(
      KernelCall(operands: inputs, results: outputs, scratch: scratch), on: memory, threads: threads)
    for reorder in after { try reorder.kernel.run(reorder.call, on: memory, threads: 1) }
    try checkGuards(memory)
    return try zip(request.results, finals).map { result, location in
      guard let result, let location else { return nil }
      return try Tensor(elementType: result.elementType, shape: result.shape) { bytes in
        try device.read(UnsafeMutableRawBufferPointer(bytes), from: location, of: memory)
      }
    }
  }

  private var guards: [Int] = []

  /// Memory for `bytes` bytes with a guard behind it.
  private mutating func place(_ bytes: Int) -> Location {
    let location = Location(slot: 0, offset: size)
    guards.append(size + bytes)
    size = (size + bytes + Self.guardBytes + 63) & ~63
    return location
  }

  private func checkGuards(_ memory: any BoundMemory) throws {
    for start in guards {
      var bytes = [UInt8](repeating: 0, count: Self.guardBytes)
      try bytes.withUnsafeMutableBytes {
        try device.read($0, from: Location(slot: 0, offset: start), of: memory)
      }
      #expect(bytes.allSatisfy { $0 == Self.sentinel }, "\(request.node): memory behind a tensor was written")
    }
  }

  private func copy(from layout: Layout, _ type: KernelRequest.ResultType) -> KernelRequest {
    KernelRequest(
      model: "fixture", node: "reorder", op: .identity,
      operands: [Operand(elementType: type.elementType, shape: type.shape, layout: layout)], results: [type])
  }

  private mutating func call(_ reorder: any Kernel, _ from: Location, _ to: Location) -> KernelCall {
    KernelCall(
      operands: [from], results: [to], scratch: reorder.scratchBytes > 0 ? place(reorder.scratchBytes) : nil)
  }
}
