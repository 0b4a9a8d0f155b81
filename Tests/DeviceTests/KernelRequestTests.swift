import Device
import ModelGraph
import Tensors
import Testing

/// A request has the operands of the op first, then those of its post-ops in order.
struct KernelRequestTests {
  private func request(inputs: [ValueID?], postOps: [PostOp]) throws -> KernelRequest {
    let node = Node(
      name: "y", op: .matrixMultiply(MatrixMultiply()), inputs: inputs, outputs: [ValueID(9)],
      postOps: postOps)
    let operands = try node.operands.map { id in
      // The number of axes tells which value it is.
      try id.map {
        Operand(elementType: .float32, shape: try Shape(checking: [Int](repeating: 1, count: $0.index)))
      }
    }
    return KernelRequest(
      node, model: "m", operands: operands, results: [.init(.float32, [1])], threads: [1, 2])
  }

  @Test func operandsOfPostOpsFollow() throws {
    let request = try request(
      inputs: [ValueID(1), ValueID(2)],
      postOps: [.binary(.add, ValueID(3)), .unary(.relu), .binary(.multiply, ValueID(1))])
    #expect(request.operands.map { $0?.shape.rank } == [1, 2, 3, 1])
    #expect(
      request.postOps == [.binary(.add, operand: 2), .unary(.relu), .binary(.multiply, operand: 3)])
    #expect(request.ownOperandCount == 2)
    #expect(request.ownOperands.map { $0?.shape.rank } == [1, 2])
    #expect(request.model == "m" && request.node == "y" && request.threads == [1, 2])
  }

  @Test func anInputThatIsLeftOutKeepsItsPlace() throws {
    let request = try request(inputs: [ValueID(1), ValueID(2), nil], postOps: [.binary(.add, ValueID(4))])
    #expect(request.operands.map { $0?.shape.rank } == [1, 2, nil, 4])
    #expect(request.postOps == [.binary(.add, operand: 3)])
    #expect(request.ownOperandCount == 3)
  }

  @Test func allOperandsAreTheOpsOwnWhereNothingElseIsSaid() {
    let x = Operand(elementType: .float32, shape: [2])
    let request = KernelRequest(
      model: "m", node: "n", op: .binary(.add), operands: [x, x], results: [.init(.float32, [2])])
    #expect(request.ownOperandCount == 2)
  }
}
