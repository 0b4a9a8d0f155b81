import ModelGraph
import Tensors
import Testing

/// Edits that passes make to graphs.
struct GraphEditTests {
  @Test func usesTellProducersAndConsumers() throws {
    var graph = Graph(name: "g")
    let x = graph.input("x", .float32, [.known(2)])
    let a = graph.node("a", .unary(.relu), x)
    let b = graph.node("b", .binary(.add), a, a)
    let c = graph.node("c", .binary(.add), a, b)
    graph.outputs = [c]
    let uses = graph.uses()
    #expect(uses.producer(of: x) == nil)
    #expect(uses.producer(of: b) == 1)
    #expect(uses.consumers(of: a) == [1, 2])
    #expect(uses.counts[a.index] == 3)
    #expect(uses.isUsedOnce(x) && uses.isUsedOnce(b) && !uses.isUsedOnce(a) && !uses.isUsedOnce(c))
    #expect(uses.isOutput(c) && !uses.isOutput(b))
  }

  @Test func replacingUsesKeepsTheNamesOfOutputs() throws {
    var graph = Graph(name: "g")
    let x = graph.input("x", .float32, [.known(2)])
    let a = graph.node("a", .unary(.relu), x)
    let b = graph.node("result", .identity, a)
    graph.outputs = [b]
    let isDone = graph.replaceUses(of: b, with: a)
    #expect(isDone)
    #expect(graph.outputs == [a])
    #expect(graph[a].name == "result")
    #expect(graph[b].name == "a")
    graph.removeDeadCode()
    #expect(graph.nodes.map(\.name) == ["a"])
    try graph.verify()
  }

  @Test func anOutputThatWouldBeAnInputStays() throws {
    var graph = Graph(name: "g")
    let x = graph.input("x", .float32, [.known(2)])
    let y = graph.node("y", .identity, x)
    let z = graph.node("z", .unary(.relu), y)
    graph.outputs = [y, z]
    let isDone = graph.replaceUses(of: y, with: x)
    #expect(!isDone)
    #expect(graph.outputs == [y, z])
    #expect(graph.nodes[1].inputs == [x])
    try graph.verify()
  }

  @Test func deadCodeGoesAndCompactingRenumbers() throws {
    var graph = Graph(name: "g")
    let unused = try graph.floats("unused", [2])
    let x = graph.input("x", .float32, [.known(1), .known(2)])
    graph.node("dead", .binary(.add), x, unused)
    let first = graph.addValue("first")
    let second = graph.addValue("second")
    graph.nodes.append(Node(name: "split", op: .split(axis: 1), inputs: [x], outputs: [first, second]))
    graph.outputs = [second]
    graph.removeDeadCode()
    #expect(graph.nodes.map(\.name) == ["split"])
    #expect(graph.nodes[0].outputs == [nil, second])
    #expect(graph.constants.isEmpty)
    let renumbered = graph.compact()
    #expect(renumbered[unused.index] == nil)
    #expect(renumbered[x.index] == ValueID(0))
    #expect(graph.values.map(\.name) == ["x", "second"])
    #expect(graph.outputs == [ValueID(1)])
    try graph.verify()
    #expect(try graph.inferTypes()[ValueID(1)] == ValueType(.float32, [1, 1] as Shape))
  }

  @Test func sortingMovesOnlyWhatHasTo() throws {
    var graph = Graph(name: "g")
    let x = graph.input("x", .float32, [.known(2)])
    let a = graph.node("a", .unary(.relu), x)
    graph.node("b", .unary(.tanh), x)
    let c = graph.node("c", .unary(.sigmoid), a)
    graph.outputs = [c]
    let sorted = graph
    try graph.sortTopologically()
    #expect(graph == sorted)
    graph.nodes = [graph.nodes[2], graph.nodes[1], graph.nodes[0]]
    try graph.sortTopologically()
    #expect(graph.nodes.map(\.name) == ["a", "c", "b"])
  }

  @Test func aLongChainIsSortedWithoutRecursion() throws {
    var graph = Graph(name: "chain")
    var last = graph.input("x", .float32, [.known(1)])
    for step in 0..<200_000 { last = graph.node("n\(step)", .identity, last) }
    graph.outputs = [last]
    graph.nodes.reverse()
    try graph.sortTopologically()
    #expect(graph.nodes.first?.name == "n0")
    #expect(graph.nodes.last?.name == "n199999")
  }

  @Test func aBranchTakesItsConditionalsPlace() throws {
    var branch = Graph(name: "then")
    let captured = branch.addValue("x")
    branch.inputs = [captured]
    let weight = try branch.floats("w", [2])
    let sum = branch.node("sum", .binary(.add), captured, weight)
    branch.outputs = [sum, captured, weight, sum]
    var graph = Graph(name: "g")
    let condition = graph.input("condition", .bool, [])
    let x = graph.input("x", .float32, [.known(2)])
    // "sum" is taken out here too.
    let taken = graph.node("sum", .unary(.relu), x)
    let results = (0..<4).map { graph.addValue("r\($0)") }
    graph.nodes.append(
      Node(
        name: "if", op: .conditional(then: branch, otherwise: branch), inputs: [condition, taken],
        outputs: results))
    graph.outputs = results
    try graph.inline(branch, replacing: 1)
    try graph.verify()
    #expect(graph.outputs.map { graph[$0].name } == ["r0", "r1", "r2", "r3"])
    #expect(graph.nodes.map(\.op.name) == ["unary.relu", "binary.add", "identity", "identity", "identity"])
    #expect(graph.nodes[1].outputs == [results[0]])
    let inference = try graph.inferTypes()
    for id in results { #expect(inference[id] == ValueType(.float32, [2] as Shape)) }
    #expect(throws: GraphError.self) {
      var copy = graph
      try copy.inline(branch, replacing: 0)
    }
  }

  @Test func textShowsOneNodeALine() throws {
    var graph = Graph(name: "net")
    let x = graph.input("x", .float32, [.symbol("batch"), .known(3), .known(8), .known(8)])
    let w = try graph.floats("w", [4, 3, 3, 3])
    let scale = graph.addConstant("scale", try Tensor([Float(0.5)], shape: .scalar))
    let y = graph.node(
      "y", .convolution(.square(padding: 1)), x, w, nil,
      postOps: [.binary(.multiply, scale), .unary(.clip(minimum: 0, maximum: 6))])
    graph.outputs = [y]
    graph.annotate(with: try graph.inferTypes())
    #expect(
      graph.textDescription == """
        graph 'net' (%0 "x" f32[batch,3,8,8]) → (%3 "y")
          %3 f32[batch,4,8,8] = conv(%0, "w" f32[4,3,3,3], –) {padding 1x1x1x1} + multiply(0.5) + clip(0.0…6.0)  // y

        """)
    let dot = graph.dot()
    #expect(dot.hasPrefix("digraph \"net\" {") && dot.hasSuffix("}\n"))
    #expect(dot.contains("in0 -> n0") && dot.contains("n0 -> out0"))
  }

  @Test func dotEscapesWhatAModelCalledThings() throws {
    var graph = Graph(name: "a\"b\\c")
    graph.outputs = [graph.node("y\"", .identity, graph.input("x\"\n", .float32, nil))]
    let dot = graph.dot()
    #expect(dot.contains("digraph \"a\\\"b\\\\c\""))
    #expect(dot.contains("x\\\" "))
  }
}
