import ModelGraph
import ONNXFormat
import Testing

/// Both branches of a conditional take what either captures, in one order; graphs two deep pass it on.
///
///     x ─ exp ─ h ┬ If flag: then ┬ If flag: then x·k      (x, k from two graphs up)
///     flag ───────┤               │          else h
///     k (const) ──┘               └ −
///                            else h + own
@Test func branchesAreClosed() throws {
  let graph = try ONNXModel.read(fixtures + "/branches.onnx").graph
  #expect(graph.inputs.map { graph[$0].name } == ["x", "flag"])
  let outer = try #require(graph.nodes.last)
  let conditional = try #require(outer.op.as(Conditional.self))
  let (then, otherwise) = (conditional.then, conditional.otherwise)
  let captured = outer.inputs.dropFirst().compactMap { $0 }.map { graph[$0].name }
  #expect(captured.sorted() == ["flag", "h", "k", "x"])
  #expect(outer.inputs[0].map { graph[$0].name } == "flag")
  for branch in [then, otherwise] {
    #expect(branch.inputs.map { branch[$0].name } == captured)
    let types = branch.inputs.map { "\(branch[$0].name): \(branch[$0].type?.description ?? "?")" }
    #expect(types.sorted() == ["flag: bool[]", "h: float32[2]", "k: float32[]", "x: float32[2]"])
    #expect(branch.outputs.count == 1)
  }
  // A constant outside is an input inside; one of the branch itself stays one.
  #expect(then.constants.isEmpty)
  #expect(otherwise.constants.values.compactMap { $0.tensor?.floats } == [[7, 8]])

  let inner = try #require(then.nodes[0].op.as(Conditional.self))
  let (deep, shallow) = (inner.then, inner.otherwise)
  #expect(then.nodes[0].inputs.compactMap { $0 }.map { then[$0].name }.sorted() == ["flag", "h", "k", "x"])
  #expect(deep.nodes.map(\.op) == [.binary(.multiply)])
  #expect(shallow.nodes.map(\.op) == [.identity])
  #expect(deep.inputs.map { deep[$0].name } == shallow.inputs.map { shallow[$0].name })
  #expect(deep.nodes[0].inputs.compactMap { $0 }.map { deep[$0].name } == ["x", "k"])
  #expect(try graph.inferTypes()[graph.outputs[0]]?.description == "float32[2]")
}

@Test func branchesMustFitTheirNode() {
  func conditional(_ then: ONNXGraphProto, _ otherwise: ONNXGraphProto, outputs: [String] = ["y"]) -> String {
    fault(
      of: .of(
        inputs: [.of("x"), .of("c", type: 9, [])],
        [
          .of(
            "If", ["c"], outputs, name: "if", [.graph("then_branch", then), .graph("else_branch", otherwise)])
        ]))
  }
  let good = ONNXGraphProto.of(outputs: ["b"], [.of("Neg", ["x"], ["b"])])
  #expect(
    conditional(good, .of(outputs: ["b", "x"], [.of("Neg", ["x"], ["b"])]))
      .contains("has 1 results, but its else branch gives 2"))
  #expect(
    conditional(.of(inputs: [.of("i")], outputs: ["b"], [.of("Neg", ["i"], ["b"])]), good)
      .contains("has a branch with inputs"))
  #expect(
    conditional(good, .of(outputs: ["b"], [.of("Neg", ["nowhere"], ["b"])])).contains(
      "uses the value 'nowhere'"))
  #expect(
    fault(
      of: .of(
        inputs: [.of("x"), .of("c", type: 9, [])], [.of("If", ["c"], ["y"], [.graph("then_branch", good)])])
    )
    .contains("lacks the attribute 'else_branch'"))
}

/// A branch may give what is outside as it is.
@Test func branchesMayPassThrough() throws {
  let branch = ONNXGraphProto.of(outputs: ["x"], [])
  let graph = try read(
    .of(
      inputs: [.of("x"), .of("c", type: 9, [])],
      [.of("If", ["c"], ["y"], [.graph("then_branch", branch), .graph("else_branch", branch)])])
  ).graph
  let then = try #require(graph.nodes[0].op.as(Conditional.self)).then
  #expect(then.outputs == then.inputs && then.nodes.isEmpty)
}
