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

@Test func sequencesThatAreNotKnownAreRefused() {
  func refusal(_ nodes: ONNXNodeProto...) -> String {
    fault(of: .of(inputs: [.of("x"), .of("p", type: 7, [])], outputs: ["y"], nodes))
  }
  let sequence = ONNXNodeProto.of("SequenceConstruct", ["x", "x"], ["s"])
  #expect(
    refusal(sequence, .of("SequenceAt", ["s", "p"], ["y"])).contains("with a position that is computed"))
  #expect(refusal(sequence, .of("Neg", ["s"], ["y"])).contains("ai.onnx.Neg, opset 17, 1×: of a sequence"))
  #expect(refusal(.of("SequenceEmpty", [], ["y"])).contains("an output of type empty sequence, 1× ('y')"))
  #expect(refusal(.of("Optional", [], ["y"])).contains("an output of type absent optional, 1× ('y')"))
  #expect(
    refusal(.of("SequenceLength", ["x"], ["y"])).contains("of a sequence that is an input, or comes from"))
}

/// Small files that ask for much are refused.
@Test func sequencesAreBounded() {
  let large = ONNXModelProto.of(
    inputs: [.of("x", [1 << 40])], outputs: ["n"],
    [.of("SplitToSequence", ["x"], ["s"]), .of("SequenceLength", ["s"], ["n"])])
  #expect(fault(of: large).contains("its sequences have too many elements"))
}
