import ModelCompiler
import ModelGraph
import Testing

/// A model that is compiled without passes keeps its nodes.
@Suite struct PasslessCompilationTests {
  private func compile(optimising: Bool) throws -> PackedModel {
    var graph = Graph(name: "idle")
    let x = graph.addValue("x", type: ValueType(.float32, [.known(2)]))
    let copy = graph.addValue("copy")
    let y = graph.addValue("y")
    graph.inputs = [x]
    graph.nodes = [
      Node(name: "idle", op: .identity, inputs: [x], outputs: [copy]),
      Node(name: "busy", op: .unary(.exponential), inputs: [copy], outputs: [y]),
    ]
    graph.outputs = [y]
    var options = CompilationOptions()
    options.optimising = optimising
    return try ModelCompiler(device: try TestDevice.shared.get()).compile(graph, options: options)
  }

  @Test func passesRunUnlessTheyAreSwitchedOff() throws {
    let optimised = try compile(optimising: true)
    #expect(optimised.graph.nodes.map(\.name) == ["busy"])
    #expect(optimised.report?.nodesBefore == 2)
    let plain = try compile(optimising: false)
    #expect(plain.graph.nodes.map(\.name) == ["idle", "busy"])
    #expect(plain.report == nil)
  }
}
