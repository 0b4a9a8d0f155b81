import ModelGraph
import ONNXFormat
import Testing

/// A sequence is its elements: the graph has no trace of it.
///
///     x, z ─ construct ─ insert y ─ erase the first ─ at −1
@Test func sequencesAreResolved() throws {
  let model = ONNXModelProto.of(
    inputs: [.of("x"), .of("y"), .of("z")], outputs: ["o", "n"],
    constants: [.integers("one", [1]), .integers("first", [0]), .integers("last", [-1])],
    [
      .of("SequenceConstruct", ["x", "z"], ["s"]), .of("SequenceInsert", ["s", "y", "one"], ["t"]),
      .of("SequenceErase", ["t", "first"], ["u"]), .of("SequenceAt", ["u", "last"], ["o"]),
      .of("SequenceLength", ["u"], ["n"]),
    ])
  #expect(text(try read(model).graph) == ["%0 = identity(input2)", "return %0, int64[][2]"])
}

/// Elements of one shape are stacked; others are outputs of their own.
@Test func sequencesAreServed() throws {
  func served(_ second: [Int64]) throws -> Graph {
    try read(
      .of(
        inputs: [.of("x", [2]), .of("y", second)], outputs: ["s"],
        [.of("SequenceConstruct", ["x", "y"], ["s"])])
    ).graph
  }
  let stacked = try served([2])
  #expect(stacked.outputs.map { stacked[$0].name } == ["s"])
  #expect(try stacked.inferTypes()[stacked.outputs[0]]?.description == "float32[2, 2]")
  let single = try served([3])
  #expect(single.outputs.map { single[$0].name } == ["s.0", "s.1"])
}

/// Positions that are known only at run time make operators of sequences.
@Test func sequencesThatAreNotKnownRun() throws {
  func lines(_ nodes: ONNXNodeProto...) throws -> [String] {
    text(try read(.of(inputs: [.of("x"), .of("p", type: 7, [])], outputs: ["y"], nodes)).graph)
  }
  let sequence = ONNXNodeProto.of("SequenceConstruct", ["x", "x"], ["s"])
  #expect(try lines(sequence, .of("SequenceAt", ["s", "p"], ["y"])).contains { $0.contains("sequence_at(") })
  #expect(try lines(.of("SequenceEmpty", [], ["y"])).contains { $0.contains("SequenceConstruct(") })
  #expect(try lines(.of("Optional", [], ["y"])).contains { $0.contains("SequenceConstruct(") })
}

@Test func tensorsAreNoSequences() {
  func refusal(_ nodes: ONNXNodeProto...) -> String {
    fault(of: .of(inputs: [.of("x"), .of("p", type: 7, [])], outputs: ["y"], nodes))
  }
  let sequence = ONNXNodeProto.of("SequenceConstruct", ["x", "x"], ["s"])
  #expect(refusal(sequence, .of("Neg", ["s"], ["y"])).contains("ai.onnx.Neg, opset 17, 1×: of a sequence"))
  let erased = ONNXNodeProto.of("SequenceErase", ["s", "p"], ["t"])
  #expect(refusal(sequence, erased, .of("Neg", ["t"], ["y"])).contains("of a sequence or an optional"))
  #expect(refusal(.of("SequenceLength", ["x"], ["y"])).contains("where a sequence is expected"))
}

/// An input that is a sequence has the type of its elements; scalars stand for an unknown rank.
@Test func sequencesThatAreInputsAreTyped() throws {
  func contents(_ sizes: [Int64]) throws -> SequenceContents? {
    var input = ONNXValueInfoProto.of("s")
    input.type.sequenceType.elemType.tensorType = ONNXValueInfoProto.of("e", sizes).type.tensorType
    let graph = try read(
      .of(inputs: [input], outputs: ["n"], [.of("SequenceLength", ["s"], ["n"])])
    ).graph
    return graph[graph.inputs[0]].type?.contents
  }
  #expect(try contents([2, 3]) == SequenceContents(.float32, [.known(2), .known(3)]))
  #expect(try contents([]) == SequenceContents(.float32, nil))
}

/// A small file that asks for much does not make a large graph.
@Test func sequencesAreBounded() throws {
  let large = ONNXModelProto.of(
    inputs: [.of("x", [1 << 40])], outputs: ["n"],
    [.of("SplitToSequence", ["x"], ["s"]), .of("SequenceLength", ["s"], ["n"])])
  #expect(try read(large).graph.nodes.count == 2)
}
