import Foundation
import ModelGraph
import ONNXFormat
import Tensors
import Testing

@Test func networkIsReadWhole() throws {
  let path = fixtures + "/network.onnx"
  let model = try ONNXModel.read(path)
  #expect(model.opset == 17)
  #expect(model.producer == "fixtures 1")
  #expect(model.sourceFiles == [URL(fileURLWithPath: path).resolvingSymlinksInPath().path])
  #expect(model.operatorCounts == ["Conv": 1, "Relu": 1, "GlobalAveragePool": 1, "Flatten": 1])

  let graph = model.graph
  #expect(graph.name == "network")
  #expect(try ONNXModel.read(path, name: "another").graph.name == "another")
  // The initialiser that is listed as an input too is a constant.
  #expect(graph.inputs.map { graph[$0].name } == ["image"])
  #expect(
    graph[graph.inputs[0]].type == ValueType(.float32, [.symbol("batch"), .known(3), .unknown, .unknown]))
  #expect(graph.outputs.map { graph[$0].name } == ["logits"])
  // Nodes without a name have that of their first result.
  #expect(graph.nodes.map(\.name) == ["c", "activation", "p", "logits"])
  let convolution = Op.convolution(
    Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit([1, 1, 1, 1]), groups: 1))
  #expect(graph.nodes[0].op == convolution)
  let weight = try #require(graph.tensor(graph.nodes[0].inputs[1]))
  #expect(weight.shape == [2, 3, 3, 3])
  #expect(try weight.elements(as: Float.self) == (0..<54).map { Float($0) / 54 })
  #expect(try graph.tensor(graph.nodes[0].inputs[2])?.elements(as: Float.self) == [0.25, -0.5])
}

/// The same elements in a typed field and as raw data are the same tensor, of each type.
@Test func typedFieldsAndRawDataAgree() throws {
  let graph = try ONNXModel.read(fixtures + "/types.onnx").graph
  var tensors: [String: Tensor] = [:]
  for (id, constant) in graph.constants { tensors[graph[id].name] = constant.tensor }
  // Texts have no raw data.
  let types = ElementType.allCases.filter { !$0.isHandle }
  #expect(tensors.count == 2 * types.count)
  for (name, tensor) in tensors where name.hasSuffix("typed") {
    #expect(tensor == tensors[name.replacing("typed", with: "raw")], "\(name)")
  }
  #expect(Set(tensors.values.map(\.elementType)) == Set(types))
  #expect(tensors["FLOAT typed"]?.floats == [1.5, -2, 3])
  #expect(tensors["BFLOAT16 typed"]?.floats == [1.5, -2, 3])
  #expect(tensors["INT4 typed"]?.integers == [1, -2, 3])
  #expect(tensors["INT2 typed"]?.integers == [1, -2, -1])
  #expect(tensors["UINT2 raw"]?.integers == [1, 2, 3])
  for type in ["FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT4E2M1"] {
    #expect(tensors["\(type) typed"]?.floats == [1.5, -2, 3], "\(type)")
  }
  #expect(tensors["FLOAT8E8M0 typed"]?.floats == [0.5, 2, 4])
  #expect(tensors["UINT16 raw"]?.integers == [1, 60000, 3])
  #expect(tensors["BOOL raw"]?.integers == [1, 0, 1])
}

/// Nodes may come in any order; the graph has them in one in which each follows what it needs.
@Test func nodesAreSorted() throws {
  let graph = try read(
    .of([
      .of("Tanh", ["b"], ["y"], name: "third"), .of("Exp", ["a"], ["b"], name: "second"),
      .of("Neg", ["x"], ["a"], name: "first"),
    ])
  ).graph
  #expect(graph.nodes.map(\.name) == ["first", "second", "third"])
}

/// A chain of twenty thousand nodes, written backwards, is sorted without recursion.
@Test func longChainsAreSorted() throws {
  let count = 20_000
  let nodes = (0..<count).reversed().map { index in
    ONNXNodeProto.of("Neg", [index == 0 ? "x" : "v\(index)"], [index == count - 1 ? "y" : "v\(index + 1)"])
  }
  #expect(try read(.of(nodes)).graph.nodes.count == count)
}

/// Names that the import makes up are not those of the file.
@Test func madeUpNamesAreUnique() throws {
  let graph = try read(
    .of(
      opset: 11, outputs: ["y", "n/axes", "n/axes#1"],
      [
        .of("ReduceSum", ["x"], ["y"], name: "n", [.ints("axes", [1])]),
        .of("ReduceSum", ["x"], ["n/axes"], name: "n", [.ints("axes", [1])]),
        .of("Neg", ["x"], ["n/axes#1"]),
      ])
  ).graph
  #expect(Set(graph.values.map(\.name)).count == graph.values.count)
}

/// A node's name is cut before others are made of it: a long one with many operands would fill the memory.
@Test func longNamesAreCut() throws {
  let name = String(repeating: "n", count: 100_000)
  let sum = ONNXNodeProto.of("Sum", Array(repeating: "x", count: 1000), ["y"], name: name)
  let graph = try read(.of([sum])).graph
  #expect(graph.nodes.count == 999)
  #expect(graph.values.allSatisfy { $0.name.utf8.count < 1100 })
}

/// Zero, −1, "" and "?" are sizes nobody knows; every other name is a symbol.
@Test func dimensionsOfInputs() throws {
  var input = ONNXValueInfoProto.of("x", [5, 0, -1])
  input.type.tensorType.shape.dim += ["n", "", "?"].map { name in .with { $0.dimParam = name } } + [.init()]
  let graph = try read(.of(inputs: [input], [.of("Neg", ["x"], ["y"])])).graph
  let dimensions: [ModelGraph.Dimension] = [
    .known(5), .unknown, .unknown, .symbol("n"), .unknown, .unknown, .unknown,
  ]
  #expect(graph[graph.inputs[0]].type == ValueType(.float32, dimensions))
  input.type.tensorType.clearShape()
  let unranked = try read(.of(inputs: [input], [.of("Neg", ["x"], ["y"])])).graph
  #expect(unranked[unranked.inputs[0]].type == ValueType(.float32, nil as [ModelGraph.Dimension]?))
}
