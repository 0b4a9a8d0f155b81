import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// Requests and operands that no honest plan has: an error, or an answer within the memory that the request speaks
/// of, and never a trap.
@Suite struct MutatedRequestTests {
  /// A generator whose draws are the same in every run (SplitMix64).
  struct Draw: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  static let fixtures = KernelFixture.all

  @Test(arguments: fixtures.indices)
  func mutatedRequestIsRefusedOrStaysWithinItsMemory(index: Int) throws {
    let fixture = Self.fixtures[index]
    let device = try CPUDevice()
    var draw = Draw(state: UInt64(index))
    for round in 0..<6 {
      var request = fixture.request(immediate: round.isMultiple(of: 2))
      var operands = fixture.operands
      try mutate(&request, &operands, &draw)
      do {
        guard let kernel = try PortableKernel.make(request) else { continue }
        var run = KernelRun(kernel, request, on: device)
        let results = try run.results(operands)
        #expect(results.map { $0?.elementType } == request.results.map { $0?.elementType })
        #expect(results.map { $0?.shape } == request.results.map { $0?.shape })
      } catch let error as DeviceError {
        // Refused, by name of the node; never as a failure of the library or of the memory.
        #expect([.invalidArgument, .invalidData, .unsupported].contains(error.kind), "\(error)")
        #expect(error.description.contains(request.node), "\(error)")
      }
    }
  }

  /// Changes one dimension, element type or the elements of an operand or result, or leaves an operand out.
  private func mutate(_ request: inout KernelRequest, _ operands: inout [Tensor?], _ draw: inout Draw) throws
  {
    let present = operands.indices.filter { operands[$0] != nil }
    let kind = Int.random(in: 0..<5, using: &draw)
    if kind == 4, let index = request.results.indices.randomElement(using: &draw),
      let result = request.results[index]
    {
      let shape = try changed(result.shape, &draw)
      request.results[index] = KernelRequest.ResultType(result.elementType, shape)
      return
    }
    guard let index = present.randomElement(using: &draw), let tensor = operands[index] else { return }
    var type = tensor.elementType
    var shape = tensor.shape
    switch kind {
    case 0: shape = try changed(shape, &draw)
    case 1: type = ElementType.allCases.randomElement(using: &draw) ?? type
    case 2:
      request.operands[index] = nil
      operands[index] = nil
      return
    default: break
    }
    let mutated = try Tensor(elementType: type, shape: shape) { bytes in
      let small = Bool.random(using: &draw)
      for place in bytes.indices {
        bytes[place] =
          small
          ? UInt8(place.isMultiple(of: 8) ? draw.next() & 7 : 0) : UInt8(truncatingIfNeeded: draw.next())
      }
    }
    operands[index] = mutated
    request.operands[index] =
      request.operands[index]?.immediate == nil
      ? Operand(elementType: type, shape: shape) : Operand(immediate: mutated)
  }

  private func changed(_ shape: Shape, _ draw: inout Draw) throws -> Shape {
    var dims = shape.dims
    guard let axis = dims.indices.randomElement(using: &draw), Int.random(in: 0..<4, using: &draw) > 0 else {
      return try Shape(checking: [3] + dims)
    }
    dims[axis] = [0, 1, dims[axis] + 1, 2 * dims[axis], 7].randomElement(using: &draw) ?? 1
    return try Shape(checking: dims)
  }
}
