import ModelGraph
import Tensors

/// Folds constants with a device's own kernels, so that folding rounds as running would.
public struct DeviceEvaluator: ConstantEvaluator {
  private let device: any Device
  /// The most bytes that one node's operands, results and scratch memory may take; one that takes more is not folded.
  private static let mostBytes = 256 << 20

  /// - Parameter device: one whose kernels do arithmetic.
  public init(_ device: any Device) { self.device = device }

  public func evaluate(
    _ node: Node, operands: [Tensor?], resultTypes: [ValueType?], in graph: String
  ) throws -> [Tensor?]? {
    // Handles mean nothing beyond the run that made them: constants of texts stay operators.
    if operands.contains(where: { $0?.elementType.isHandle ?? false })
      || resultTypes.contains(where: { $0?.elementType.isHandle ?? false })
    {
      return nil
    }
    if node.postOps.isEmpty, let operation = node.op.onHost {
      return try computed(by: operation, node, operands)
    }
    var results: [KernelRequest.ResultType?] = []
    for (output, type) in zip(node.outputs, resultTypes) {
      guard output != nil else {
        results.append(nil)
        continue
      }
      guard let type, let shape = type.shape else { return nil }
      results.append(KernelRequest.ResultType(type.elementType, shape))
    }
    let request = KernelRequest(
      node, model: graph,
      operands: operands.map { tensor in
        tensor.map { Operand(elementType: $0.elementType, shape: $0.shape, source: .activation) }
      }, results: results)
    let kernel: any Kernel
    do { kernel = try device.makeKernel(request) } catch let error as DeviceError
      where error.kind == .unsupported
    {
      return nil
    }
    return try run(kernel, request, operands)
  }

  private func computed(by operation: any HostOperator, _ node: Node, _ operands: [Tensor?]) throws
    -> [Tensor?]?
  {
    let counted = try operation.count(operands)
    let bytes = counted.types.map { $0.elementType.byteCount(of: $0.shape.elementCount) ?? .max }
    guard bytes.saturatingSum <= Self.mostBytes, counted.types.count >= node.outputs.count else { return nil }
    return zip(node.outputs, try counted.tensors()).map { $0 == nil ? nil : $1 }
  }

  private func run(_ kernel: any Kernel, _ request: KernelRequest, _ operands: [Tensor?]) throws -> [Tensor?]?
  {
    let plain = zip(kernel.operandLayouts, operands).allSatisfy { $1 == nil || $0 == .plain }
    guard plain, zip(kernel.resultLayouts, request.results).allSatisfy({ $1 == nil || $0 == .plain }) else {
      return nil
    }
    var size = 0
    func place(_ bytes: Int) -> Location {
      defer { size = bytes > Self.mostBytes ? .max / 2 : (size + max(bytes, 1) + 63) & ~63 }
      return Location(slot: 0, offset: size)
    }
    let inputs = operands.map { $0.map { place($0.byteCount) } }
    let outputs = try request.results.map { result in
      try result.map { place(try device.byteCount(of: $0.elementType, $0.shape, in: .plain)) }
    }
    let scratch = kernel.scratchBytes > 0 ? place(kernel.scratchBytes) : nil
    guard size <= Self.mostBytes else { return nil }
    let arena = try device.allocate(byteCount: max(size, 1))
    defer { device.release(arena) }
    let memory = device.makeBoundMemory(slots: 1)
    try memory.attach(MemorySpan(arena), to: 0)
    for (tensor, location) in zip(operands, inputs) {
      guard let tensor, let location else { continue }
      try tensor.withUnsafeBytes { try device.write($0, to: location, of: memory) }
    }
    var outputLocations = outputs
    if let alias = kernel.aliasedOperand {
      outputLocations[0] = inputs[alias]
    } else {
      let before = device.beginComputing()
      defer { device.endComputing(before) }
      try kernel.run(
        KernelCall(operands: inputs, results: outputs, scratch: scratch), on: memory,
        threads: request.threads[0])
    }
    return try zip(request.results, outputLocations).map { result, location in
      guard let result, let location else { return nil }
      return try Tensor(elementType: result.elementType, shape: result.shape) { bytes in
        try device.read(UnsafeMutableRawBufferPointer(bytes), from: location, of: memory)
      }
    }
  }
}
