import ModelGraph
import Tensors
import Testing

/// Each broken graph is refused, and the message says what is broken.
struct VerifierTests {
  /// conv → relu-like chain of two nodes, well-formed.
  private func sound() throws -> Graph {
    var graph = Graph(name: "net")
    let x = graph.input("x", .float32, [.symbol("batch"), .known(3), .known(8), .known(8)])
    let w = try graph.floats("w", [4, 3, 3, 3])
    let y = graph.node("y", .convolution(.square()), x, w)
    graph.outputs = [graph.node("z", .unary(.relu), y)]
    return graph
  }

  @Test func aSoundGraphPasses() throws { try sound().verify() }

  private func expect(_ reason: String, _ change: (inout Graph) throws -> Void) throws {
    var graph = try sound()
    try change(&graph)
    let broken = graph
    #expect { try broken.verify() } throws: { "\($0)".contains(reason) && "\($0)".contains("net") }
  }

  @Test func structureFaultsAreNamed() throws {
    try expect("'y' is defined twice") { $0.nodes[1].outputs = [$0.nodes[0].outputs[0]] }
    try expect("'x' is defined twice") {
      $0.constants[$0.inputs[0]] = .tensor(try Tensor([Float(1)], shape: [1]))
    }
    try expect("'x' is defined twice") { $0.inputs.append($0.inputs[0]) }
    try expect("'z' reads 'y' before it is defined") { $0.nodes.swapAt(0, 1) }
    try expect("value 99") { $0.nodes[1].inputs = [ValueID(99)] }
    try expect("value -1") { $0.outputs = [ValueID(-1)] }
    try expect("value 99") { $0.nodes[1].outputs = [ValueID(99)] }
    try expect("value 99") { $0.inputs = [ValueID(99)] }
    try expect("value 99") { $0.constants[ValueID(99)] = .tensor(try Tensor([Float(1)], shape: [1])) }
    try expect("the output 'loose' is not defined") { $0.outputs = [$0.addValue("loose")] }
    try expect("two values have the name 'x'") { $0.values[1].name = "x" }
  }

  @Test func aCircleIsRefusedByOrderAndNamedBySorting() throws {
    var graph = Graph(name: "net")
    let a = graph.addValue("a")
    let b = graph.addValue("b")
    graph.nodes = [
      Node(name: "first", op: .identity, inputs: [b], outputs: [a]),
      Node(name: "second", op: .identity, inputs: [a], outputs: [b]),
    ]
    let circle = graph
    #expect { try circle.verify() } throws: { "\($0)".contains("'first' reads 'b' before it is defined") }
    #expect {
      var copy = circle
      try copy.sortTopologically()
    } throws: { "\($0)".contains("circle") && "\($0)".contains("'first'") && "\($0)".contains("'second'") }
  }

  @Test func operandCountsAreChecked() throws {
    try expect("it has 1 operands, where 2 to 3 are allowed") { $0.nodes[0].inputs.removeLast() }
    try expect("it has 4 operands, where 2 to 3 are allowed") { $0.nodes[0].inputs += [nil, nil] }
    try expect("operand 1 is left out, but it is required") { $0.nodes[0].inputs[1] = nil }
    try expect("it has 2 results, where 1 are allowed") { $0.nodes[1].outputs.append(nil) }
    try expect("operand 0 is left out") {
      $0.nodes[1].op = .concat(axis: 0); $0.nodes[1].inputs = [nil]
    }
  }

  @Test func postOpsFindTheirOperands() throws {
    var graph = try sound()
    let c = graph.addConstant("c", try Tensor([Float(1)], shape: .scalar))
    graph.nodes[0].postOps = [.binary(.add, c), .unary(.relu), .binary(.multiply, c)]
    try graph.verify()
    try expect("an operand of 'y' is value 99") { $0.nodes[0].postOps = [.binary(.add, ValueID(99))] }
    try expect("an operand of 'y' is value -1") { $0.nodes[0].postOps = [.binary(.add, ValueID(-1))] }
    try expect("'y' reads 'z' before it is defined") {
      $0.nodes[0].postOps = [.unary(.relu), .binary(.add, $0.outputs[0])]
    }
    try expect("'y' reads 'y' before it is defined") {
      $0.nodes[0].postOps = [.binary(.add, try #require($0.nodes[0].outputs[0]))]
    }
    try expect("post-op add [2, 1, 1, 1, 1] has more axes") {
      $0.nodes[0].postOps = [.binary(.add, try $0.floats("c", [2, 1, 1, 1, 1]))]
    }
    try expect("it takes no sequence") {
      $0.nodes[0].postOps = [.binary(.power, $0.addValue("s", type: ValueType(sequence: nil)))]
      $0.inputs.append(ValueID($0.values.count - 1))
    }
    try expect("nobody uses its first result") {
      $0.outputs = []
      $0.nodes.removeLast()
      $0.nodes[0].outputs = [nil]
      $0.nodes[0].postOps = [.unary(.relu)]
    }
  }

  @Test func operandsOfPostOpsAreNotTheOpsOwn() throws {
    try expect("it has 1 operands, where 2 to 3 are allowed") {
      $0.nodes[0].inputs.removeLast()
      $0.nodes[0].postOps = [.binary(.add, $0.inputs[0])]
    }
    var graph = try sound()
    graph.nodes[0].inputs.append(try graph.floats("bias", [4]))
    graph.nodes[0].postOps = [.binary(.add, try graph.floats("c", [1]))]
    try graph.verify()
  }

  @Test func typesAreChecked() throws {
    try expect("the constant 'w' is declared as int64") { $0.values[1].type = ValueType(.int64, nil) }
    try expect("the constant 'w' is declared as float32[4, 3, 3]") {
      $0.values[1].type = ValueType(.float32, [4, 3, 3] as Shape)
    }
    try expect("'z' is declared as float32[?, 5, ?, ?], but it is float32[batch, 4, 6, 6]") {
      $0.values[3].type = ValueType(.float32, [.unknown, .known(5), .unknown, .unknown])
    }
    try expect("negative dimension") { $0.values[0].type = ValueType(.float32, [.known(-1)]) }
  }

  @Test func branchesAreCheckedToo() throws {
    func graph(_ then: Graph, _ otherwise: Graph) throws -> Graph {
      var graph = Graph(name: "net")
      let condition = graph.input("condition", .bool, [])
      let x = graph.input("x", .float32, [.known(2)])
      graph.outputs = [graph.node("y", .conditional(then: then, otherwise: otherwise), condition, x)]
      return graph
    }
    var branch = Graph(name: "branch")
    branch.inputs = [branch.addValue("captured")]
    branch.outputs = [branch.node("r", .unary(.relu), branch.inputs[0])]
    try graph(branch, branch).verify()
    var open = branch
    open.nodes[0].inputs = [open.addValue("outer")]
    let unclosed = try graph(branch, open)
    #expect { try unclosed.verify() } throws: { "\($0)".contains("'branch'") && "\($0)".contains("'outer'") }
    var openTail = branch
    openTail.nodes[0].postOps = [.binary(.add, openTail.addValue("outer"))]
    let unclosedTail = try graph(branch, openTail)
    #expect { try unclosedTail.verify() } throws: {
      "\($0)".contains("'branch'") && "\($0)".contains("'outer'")
    }
    var short = branch
    short.outputs = []
    let unequal = try graph(branch, short)
    #expect { try unequal.verify() } throws: { "\($0)".contains("1 inputs and 0 outputs") }
  }
}
