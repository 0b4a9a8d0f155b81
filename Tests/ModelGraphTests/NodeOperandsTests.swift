import ModelGraph
import Tensors
import Testing

/// The operands of post-ops are read like a node's inputs.
struct NodeOperandsTests {
  /// y = (x · w, no bias) + r, where r = relu(x), and c and r are operands of post-ops alone.
  private struct Residual {
    var graph = Graph(name: "residual")
    let x: ValueID
    let w: ValueID
    let c: ValueID
    let r: ValueID
    let y: ValueID

    init() throws {
      x = graph.input("x", .float32, [.symbol("batch"), .known(4)])
      w = try graph.floats("w", [4, 4])
      c = try graph.floats("c", [4])
      r = graph.node("r", .unary(.relu), x)
      y = graph.node(
        "y", .matrixMultiply(MatrixMultiply()), x, w, nil,
        postOps: [.binary(.multiply, c), .unary(.tanh), .binary(.add, r)])
      graph.outputs = [y]
    }
  }

  @Test func operandsAreInputsThenThoseOfPostOps() throws {
    let residual = try Residual()
    let node = residual.graph.nodes[1]
    #expect(node.inputs == [residual.x, residual.w, nil])
    #expect(node.operands == [residual.x, residual.w, nil, residual.c, residual.r])
    #expect(residual.graph.nodes[0].operands == [residual.x])
  }

  @Test func everyOperandIsMappedUnderItsIndex() throws {
    var node = try Residual().graph.nodes[1]
    let before = node.operands
    var met: [Int: ValueID] = [:]
    node.mapOperands { id, index in
      met[index] = id
      return ValueID(id.index + 10)
    }
    #expect(met == [0: before[0], 1: before[1], 3: before[3], 4: before[4]].compactMapValues { $0 })
    #expect(node.operands == before.map { $0.map { ValueID($0.index + 10) } })
    #expect(node.postOps.map { $0.operand == nil } == [false, true, false])
  }

  @Test func usesCountPostOps() throws {
    let residual = try Residual()
    let uses = residual.graph.uses()
    #expect(uses.consumers(of: residual.c) == [1])
    #expect(uses.consumers(of: residual.r) == [1])
    #expect(uses.consumers(of: residual.x) == [0, 1])
  }

  @Test func deadCodeKeepsOperandsOfPostOps() throws {
    var residual = try Residual()
    residual.graph.removeDeadCode()
    #expect(residual.graph.nodes.map(\.name) == ["r", "y"])
    #expect(residual.graph.constants.keys.sorted() == [residual.w, residual.c])
  }

  @Test func usesInPostOpsAreReplaced() throws {
    var residual = try Residual()
    residual.graph.replaceUses(of: residual.r, with: residual.x)
    #expect(residual.graph.nodes[1].postOps.last == .binary(.add, residual.x))
    residual.graph.removeDeadCode()
    #expect(residual.graph.nodes.map(\.name) == ["y"])
  }

  @Test func postOpsAreRenumbered() throws {
    var graph = Graph(name: "g")
    _ = graph.addValue("unused")
    let x = graph.input("x", .float32, [.known(2)])
    _ = graph.addValue("unused too")
    let c = try graph.floats("c", [2])
    graph.outputs = [graph.node("y", .unary(.relu), x, postOps: [.binary(.add, c)])]
    graph.compact()
    try graph.verify()
    #expect(graph.nodes[0].postOps == [.binary(.add, ValueID(1))])
    #expect(graph.values.map(\.name) == ["x", "c", "y"])
  }

  @Test func postOpsDecideTheOrder() throws {
    var residual = try Residual()
    residual.graph.nodes.swapAt(0, 1)
    try residual.graph.sortTopologically()
    #expect(residual.graph.nodes.map(\.name) == ["r", "y"])
    try residual.graph.verify()
  }

  @Test func postOpsOfABranchReadWhatItCaptures() throws {
    var branch = Graph(name: "then")
    let (a, b) = (branch.addValue("a"), branch.addValue("b"))
    branch.inputs = [a, b]
    branch.outputs = [branch.node("sum", .unary(.relu), a, postOps: [.binary(.add, b)])]
    var graph = Graph(name: "g")
    let condition = graph.input("condition", .bool, [])
    let x = graph.input("x", .float32, [.known(2)])
    let y = graph.input("y", .float32, [.known(2)])
    graph.outputs = [graph.node("r", .conditional(then: branch, otherwise: branch), condition, x, y)]
    try graph.inline(branch, replacing: 0)
    try graph.verify()
    #expect(graph.nodes[0].inputs == [x])
    #expect(graph.nodes[0].postOps == [.binary(.add, y)])
  }

  @Test func operandsOfPostOpsDecideTheBatchAxis() throws {
    var residual = try Residual()
    #expect(residual.graph.hasBatchAxis)
    residual.graph.nodes[1].postOps[0] = .binary(.multiply, try residual.graph.floats("rows", [3, 4]))
    #expect(!residual.graph.hasBatchAxis)
  }

  @Test func picturesShowOperandsOfPostOps() throws {
    let dot = try Residual().graph.dot()
    #expect(dot.contains("n0 -> n1"))
    #expect(dot.contains("weight f32[4]"))
  }
}
