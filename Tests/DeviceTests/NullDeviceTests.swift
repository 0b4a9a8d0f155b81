import Device
import ModelGraph
import Tensors
import Testing

private final class File: Sendable {}

private func load(_ name: String, pages: Int = 1) -> LoadRequest {
  LoadRequest(
    name: name, descriptor: -1, file: File(), path: "model.fmod", offset: 0, byteCount: pages * pageSize,
    way: .mapped)
}

/// Asks for a load and gives its result.
private func result(of request: LoadRequest, on device: NullDevice) async throws -> MemoryHandle {
  try await withCheckedThrowingContinuation { continuation in
    device.load(request) { continuation.resume(with: $0) }
  }
}

private func relu(node: String, of shape: Shape = [4]) -> KernelRequest {
  KernelRequest(
    model: "m", node: node, op: .unary(.relu), operands: [Operand(elementType: .float32, shape: shape)],
    results: [.init(.float32, shape)])
}

/// Two pages of memory in slot 0.
private func memory(on device: NullDevice) throws -> any BoundMemory {
  let memory = device.makeBoundMemory(slots: 1)
  try memory.attach(MemorySpan(device.allocate(byteCount: 2 * pageSize)), to: 0)
  return memory
}

private func call(operand: Int, result: Int) -> KernelCall {
  KernelCall(operands: [Location(slot: 0, offset: operand)], results: [Location(slot: 0, offset: result)])
}

@Test func `memory is counted in whole pages and given back`() async throws {
  let device = NullDevice()
  let arena = try device.allocate(byteCount: 1)
  let extent = try await result(of: load("e", pages: 3), on: device)
  #expect(device.liveBytes == 4 * pageSize)
  #expect(device.liveHandles == 2)
  device.release(extent)
  device.release(arena)
  #expect(device.liveBytes == 0)
  #expect(device.peakBytes == 4 * pageSize)
  #expect(
    device.events == [
      .allocated(byteCount: pageSize), .loadStarted(name: "e"), .loadFinished(name: "e"),
      .released(name: "e", byteCount: 3 * pageSize), .released(name: nil, byteCount: pageSize),
    ])
  #expect(device.misuses.isEmpty)
  device.release(arena)
  #expect(device.misuses.count == 1)
}

@Test func `memory that does not fit fails, by allocation and by load`() async throws {
  let device = NullDevice(memoryLimit: 2 * pageSize)
  _ = try device.allocate(byteCount: pageSize)
  #expect(throws: DeviceError.self) { try device.allocate(byteCount: pageSize + 1) }
  await #expect(throws: DeviceError.self) { try await result(of: load("e", pages: 2), on: device) }
  #expect(device.liveBytes == pageSize)
  #expect(throws: DeviceError.self) { try device.allocate(byteCount: .max) }
  #expect(throws: DeviceError.self) { try device.allocate(byteCount: -1) }
}

// a: |-------------------- open ----------|done
// b:     |------ open --|failed
@Test func `loads stay open until the test completes or fails them, in any order`() async throws {
  let device = NullDevice(manualLoads: true)
  async let a = result(of: load("a"), on: device)
  try await device.waitForLoad("a")
  async let b = result(of: load("b"), on: device)
  try await device.waitForLoad("b")
  #expect(device.openLoads == ["a", "b"])
  #expect(device.liveBytes == 2 * pageSize, "memory is taken from the start of a load")
  try await device.failLoad("b")
  do {
    _ = try await b
    Issue.record("a failed load gave memory")
  } catch { #expect(error is DeviceError) }
  #expect(device.openLoads == ["a"])
  try await device.completeLoad("a")
  #expect(device.isIntact(try await a))
  #expect(device.liveBytes == pageSize)
}

@Test func `a poisoned extent is not intact, others are`() async throws {
  let device = NullDevice()
  let (a, b) = try await (result(of: load("a"), on: device), result(of: load("b"), on: device))
  device.poison("a")
  #expect(!device.isIntact(a))
  #expect(device.isIntact(b))
}

// lane 1: |-- x ------------------------|
// lane 2:      |-- y --|
@Test func `two lanes are in their kernels at the same time until the test lets them go`() async throws {
  let device = NullDevice(manualKernels: true)
  let (x, y) = try (device.makeKernel(relu(node: "x")), device.makeKernel(relu(node: "y")))
  let lanes = [x, y].map { kernel in
    Lane { try kernel.run(call(operand: 0, result: 0), on: memory(on: device), threads: 1) }
  }
  try await device.waitForKernel("m/x")
  try await device.waitForKernel("m/y")
  #expect(Set(device.runningKernels) == ["m/x", "m/y"])
  try await device.completeKernel("m/y")
  #expect(device.runningKernels == ["m/x"])
  try await lanes[1].end()
  try await device.failKernel("m/x")
  await #expect(throws: DeviceError.self) { try await lanes[0].end() }
  #expect(
    device.events.suffix(2) == [.kernelFinished(model: "m", node: "y"), .kernelFailed(model: "m", node: "x")])
}

@Test func `completing everything lets go of all that is held`() async throws {
  let device = NullDevice(manualLoads: true, manualKernels: true)
  async let a = result(of: load("a"), on: device)
  let kernel = try device.makeKernel(relu(node: "x"))
  let lane = Lane { try kernel.run(call(operand: 0, result: 0), on: memory(on: device), threads: 1) }
  try await device.waitForLoad("a")
  try await device.waitForKernel("m/x")
  device.completeEverything()
  _ = try await a
  try await lane.end()
  #expect(device.openLoads.isEmpty && device.runningKernels.isEmpty)
}

@Test func `a kernel refuses operands outside of live memory, and results on operands it may not replace`()
  throws
{
  let device = NullDevice()
  let kernel = try device.makeKernel(relu(node: "x"))
  let table = try memory(on: device)
  try kernel.run(call(operand: 0, result: 16), on: table, threads: 1)
  try kernel.run(call(operand: 0, result: 0), on: table, threads: 1)
  #expect(throws: DeviceError.self) { try kernel.run(call(operand: 0, result: 8), on: table, threads: 1) }
  #expect(throws: DeviceError.self) {
    try kernel.run(call(operand: 2 * pageSize - 8, result: 0), on: table, threads: 1)
  }
  #expect(throws: DeviceError.self) {
    try kernel.run(call(operand: 0, result: 16), on: device.makeBoundMemory(slots: 1), threads: 1)
  }
  #expect(throws: DeviceError.self) { try kernel.run(call(operand: 0, result: 16), on: table, threads: 2) }
  #expect(throws: DeviceError.self) {
    try kernel.run(KernelCall(operands: [nil], results: [nil]), on: table, threads: 1)
  }
  #expect(device.events.filter { $0 == .kernelStarted(model: "m", node: "x", threads: 1) }.count == 2)
}

@Test func `a reshape is a view, unless something is left to do`() throws {
  let device = NullDevice()
  let x = Operand(elementType: .float32, shape: [2, 3])
  let sizes = Operand(immediate: try Tensor([6] as [Int64], shape: [1]))
  var request = KernelRequest(
    model: "m", node: "r", op: .reshape(allowZero: false), operands: [x, sizes],
    results: [.init(.float32, [6])])
  #expect(try device.makeKernel(request).aliasedOperand == 0)
  request.postOps = [.unary(.relu)]
  #expect(try device.makeKernel(request).aliasedOperand == nil)
}

@Test func `what is packed keeps its bytes, what is read back is zeros`() throws {
  let device = NullDevice()
  let tensor = try Tensor([1, 2, 3] as [Float], shape: [3])
  let packed = try device.pack(tensor, as: .plain)
  #expect(tensor.withUnsafeBytes { $0.elementsEqual(packed.bytes) })
  var bytes: [UInt8] = [1, 2, 3]
  let table = try memory(on: device)
  try bytes.withUnsafeMutableBytes { try device.read($0, from: Location(slot: 0, offset: 5), of: table) }
  #expect(bytes == [0, 0, 0])
  #expect(throws: DeviceError.self) {
    try bytes.withUnsafeBytes {
      try device.write($0, to: Location(slot: 0, offset: 2 * pageSize - 2), of: table)
    }
  }
}
