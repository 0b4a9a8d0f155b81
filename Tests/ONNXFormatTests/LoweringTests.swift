import ModelGraph
import ONNXFormat
import Testing

/// The nodes that a file's one node becomes.
private func lowered(
  opset: Int64 = 17, inputs: [ONNXValueInfoProto] = [.of("x")], outputs: [String] = ["y"],
  constants: [ONNXTensorProto] = [], _ nodes: ONNXNodeProto...
) throws -> [String] {
  text(try read(.of(opset: opset, inputs: inputs, outputs: outputs, constants: constants, nodes)).graph)
}

@Test func clipWithBoundsThatAreComputed() throws {
  let bounds: [ONNXValueInfoProto] = [.of("x"), .of("l", []), .of("h", [])]
  #expect(
    try lowered(inputs: bounds, .of("Clip", ["x", "l", "h"], ["y"]))
      == [
        "%0 = unary.isNaN(input1)", "%1 = select(%0, float32[][-inf], input1)", "%2 = unary.isNaN(input2)",
        "%3 = select(%2, float32[][inf], input2)", "%4 = binary.maximum(input0, %1)",
        "%5 = binary.minimum(%4, %3)",
        "return %5",
      ])
  #expect(
    try lowered(inputs: bounds, .of("Clip", ["x", "", "h"], ["y"]))
      == [
        "%0 = unary.isNaN(input2)", "%1 = select(%0, float32[][inf], input2)",
        "%2 = binary.minimum(input0, %1)", "return %2",
      ])
}

@Test func clipWithConstantBounds() throws {
  func clip(_ node: ONNXNodeProto, _ constants: [ONNXTensorProto] = []) throws -> Op {
    try read(.of(constants: constants, [node])).graph.nodes[0].op
  }
  // ONNX bounds what a model leaves open by the type's finite numbers.
  let largest = Double(Float.greatestFiniteMagnitude)
  #expect(try clip(.of("Clip", ["x"], ["y"])) == .unary(.clip(minimum: -largest, maximum: largest)))
  #expect(
    try clip(.of("Clip", ["x", "l"], ["y"]), [.floats("l", [0.5], dims: [])])
      == .unary(.clip(minimum: 0.5, maximum: largest)))
  // A bound that is not a number bounds nothing, as one that is computed.
  #expect(try clip(.of("Clip", ["x", "l"], ["y"]), [.floats("l", [.nan], dims: [])]) == .unary(.isNaN))
}

@Test func gemmScalesItsBias() throws {
  let inputs: [ONNXValueInfoProto] = [.of("x", [2, 3]), .of("w", [3, 4]), .of("c", [4])]
  let graph = try read(
    .of(inputs: inputs, [.of("Gemm", ["x", "w", "c"], ["y"], [.float("beta", 0.5), .float("alpha", 2)])])
  ).graph
  #expect(graph.nodes.map(\.op) == [.binary(.multiply), .matrixMultiply(MatrixMultiply(alpha: 2))])
  #expect(graph.tensor(graph.nodes[0].inputs[1])?.floats == [0.5])
  #expect(graph.nodes[1].inputs[2] == graph.nodes[0].outputs[0])
  // A bias times zero is none.
  let unbiased = try read(
    .of(inputs: inputs, [.of("Gemm", ["x", "w", "c"], ["y"], [.float("beta", 0)])])
  ).graph
  #expect(unbiased.nodes.count == 1 && unbiased.nodes[0].inputs.count == 2)
}

@Test func variadicOperatorsAreChains() throws {
  let inputs: [ONNXValueInfoProto] = [.of("x"), .of("b"), .of("c")]
  #expect(try lowered(.of("Sum", ["x"], ["y"])) == ["%0 = identity(input0)", "return %0"])
  #expect(
    try lowered(inputs: inputs, .of("Max", ["x", "b", "c"], ["y"]))
      == [
        "%0 = binary.maximum(input0, input1)", "%1 = binary.maximum(%0, input2)", "return %1",
      ])
  #expect(
    try lowered(inputs: inputs, .of("Mean", ["x", "b", "c"], ["y"]))
      == [
        "%0 = binary.add(input0, input1)", "%1 = binary.add(%0, input2)",
        "%2 = binary.divide(%1, float32[][3.0])", "return %2",
      ])
}

/// Before opset 13, softmax flattens its operand to two axes unless it runs along the last one anyway.
@Test func oldSoftmaxFlattens() throws {
  let image = ONNXValueInfoProto.of("x", [2, 3, 4])
  func ops(_ opset: Int64, _ axis: Int64?, _ input: ONNXValueInfoProto) throws -> [Op] {
    let attributes = axis.map { [ONNXAttributeProto.int("axis", $0)] } ?? []
    return try read(.of(opset: opset, inputs: [input], [.of("Softmax", ["x"], ["y"], attributes)])).graph
      .nodes
      .map(\.op)
  }
  #expect(
    try ops(11, nil, image) == [
      .flatten(axis: 1), .softmax(axis: 1), .shape(start: 0, end: nil), .reshape(allowZero: true),
    ])
  #expect(try ops(11, 2, image) == [.softmax(axis: 2)])
  #expect(try ops(11, -1, image) == [.softmax(axis: -1)])
  #expect(try ops(13, nil, image) == [.softmax(axis: -1)])
  #expect(try ops(13, 1, image) == [.softmax(axis: 1)])
}

@Test func transposeWithoutAnOrderReverses() throws {
  let graph = try read(.of(inputs: [.of("x", [2, 3, 4])], [.of("Transpose", ["x"], ["y"])])).graph
  #expect(graph.nodes[0].op == .transpose(permutation: [2, 1, 0]))
}

@Test func convolutionsHaveEveryDefault() throws {
  let weight = ONNXTensorProto.floats("w", Array(repeating: 1, count: 12), dims: [2, 2, 3])
  let graph = try read(
    .of(inputs: [.of("x", [1, 2, 9])], constants: [weight], [.of("Conv", ["x", "w"], ["y"])])
  ).graph
  #expect(
    graph.nodes[0].op
      == .convolution(Convolution(strides: [1], dilations: [1], padding: .explicit([0, 0]), groups: 1)))
}

/// A mask that nobody computes: all true, in the operand's own type before opset 10.
@Test func dropoutLetsEverythingThrough() throws {
  let dropout = ONNXNodeProto.of("Dropout", ["x"], ["y", "mask"], name: "drop")
  for (opset, type) in [(9, "float32"), (13, "bool")] {
    let graph = try read(.of(opset: Int64(opset), outputs: ["y", "mask"], [dropout])).graph
    let types = try graph.outputs.map { id in try #require(graph.inferTypes()[id]).description }
    #expect(types == ["float32[2, 3]", "\(type)[2, 3]"])
    let value = try #require(graph.nodes[1].op.as(ConstantOfShape.self)).value
    #expect(value.integers == [1] || value.floats == [1])
  }
}

/// Before opset 21 each group has one scale and bias; they are repeated for its channels.
@Test func oldGroupNormalizationRepeatsItsScale() throws {
  let model = ONNXModelProto.of(
    opset: 18, inputs: [.of("x", [1, 6, 5])], constants: [.floats("s", [1, 2]), .floats("b", [3, 4])],
    [.of("GroupNormalization", ["x", "s", "b"], ["y"], [.int("num_groups", 2)])])
  let graph = try read(model).graph
  let node = try #require(graph.nodes.last)
  #expect(node.op == .groupNormalization(groups: 2, epsilon: Double(Float(1e-5))))
  let inference = try graph.inferTypes()
  #expect(
    try node.inputs[1...].map { try #require($0.flatMap { inference[$0] }).description } == [
      "float32[6]", "float32[6]",
    ])
}
