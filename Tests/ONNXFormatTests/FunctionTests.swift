import ModelGraph
import ONNXFormat
import Testing

extension ONNXFunctionProto {
  fileprivate static func of(
    _ name: String, _ inputs: [String], _ outputs: [String], opset: Int64 = 17, attributes: [String] = [],
    _ nodes: [ONNXNodeProto]
  ) -> ONNXFunctionProto {
    with {
      $0.name = name
      $0.domain = "local"
      $0.input = inputs
      $0.output = outputs
      $0.attribute = attributes
      $0.node = nodes
      $0.opsetImport = [.with { $0.version = opset }]
    }
  }
}

private func model(_ nodes: [ONNXNodeProto], _ functions: ONNXFunctionProto...) -> ONNXModelProto {
  var model = ONNXModelProto.of(nodes)
  model.opsetImport.append(.with { ($0.domain, $0.version) = ("local", 1) })
  model.functions = functions
  return model
}

private func call(
  _ name: String, _ inputs: [String], _ outputs: [String], _ attributes: [ONNXAttributeProto] = []
) -> ONNXNodeProto {
  .of(name, inputs, outputs, name: "call", domain: "local", attributes)
}

/// The nodes of a function become nodes of the graph under the name of its call; their values are no values of the caller, though
/// they are called alike.
@Test func functionsAreInlined() throws {
  let alpha = ONNXAttributeProto.of("alpha", .float) { $0.refAttrName = "slope" }
  let leak = ONNXFunctionProto.of(
    "Leak", ["a"], ["b"], attributes: ["slope"],
    [.of("Exp", ["a"], ["x"]), .of("LeakyRelu", ["x"], ["b"], name: "leak", [alpha])])
  let twice = ONNXFunctionProto.of(
    "Twice", ["x"], ["y"],
    [call("Leak", ["t"], ["y"]), call("Leak", ["x"], ["t"], [.float("slope", 0.25)])])
  let imported = try read(model([call("Twice", ["x"], ["t"]), .of("Neg", ["t"], ["y"])], leak, twice))
  let exponential = Op.unary(.exponential)
  #expect(
    imported.graph.nodes.map(\.op) == [
      exponential, .unary(.leakyRelu(slope: 0.25)), exponential,
      .unary(.leakyRelu(slope: Double(Float(0.01)))), .unary(.negate),
    ])
  #expect(imported.graph.nodes[1].name == "call/call/leak")
  #expect(imported.operatorCounts == ["local.Twice": 1, "local.Leak": 2, "Exp": 2, "LeakyRelu": 2, "Neg": 1])
}

/// In a branch of a function, a value of its own does not hide the value of the caller that an operand is.
@Test func branchesOfFunctionsCaptureOperands() throws {
  let branch = ONNXGraphProto.of(outputs: ["x"], [.of("Neg", ["a"], ["x"])])
  let choice = ONNXFunctionProto.of(
    "Choice", ["c", "a"], ["r"],
    [.of("If", ["c"], ["r"], [.graph("then_branch", branch), .graph("else_branch", branch)])])
  var file = model([call("Choice", ["c", "x"], ["y"])], choice)
  file.graph.input.append(.of("c", type: 9, []))
  let node = try #require(try read(file).graph.nodes.first)
  let conditional = try #require(node.op.as(Conditional.self))
  #expect(conditional.then.nodes[0].inputs == [conditional.then.inputs[0]])
}

/// Nodes of a function are read in the opset that the function imports.
@Test func functionsHaveOpsets() throws {
  let flatten = ONNXFunctionProto.of("Old", ["a"], ["b"], opset: 11, [.of("Softmax", ["a"], ["b"])])
  var file = model([call("Old", ["x"], ["y"])], flatten)
  file.graph.input = [.of("x", [2, 3, 4])]
  #expect(try read(file).graph.nodes[0].op == .flatten(axis: 1))
  #expect(try read(file).opset == 17)
}

@Test func operandsAndResultsMayBeLeftOut() throws {
  let clip = ONNXFunctionProto.of(
    "Limit", ["a", "low", "high"], ["n", "b"],
    [.of("Neg", ["a"], ["n"]), .of("Clip", ["a", "low", "high"], ["b"])])
  let graph = try read(model([call("Limit", ["x"], ["", "y"])], clip)).graph
  let largest = Double(Float.greatestFiniteMagnitude)
  #expect(graph.nodes.map(\.op) == [.unary(.negate), .unary(.clip(minimum: -largest, maximum: largest))])
  // A result that is an operand.
  let pass = ONNXFunctionProto.of("Pass", ["a"], ["a"], [.of("Neg", ["a"], ["n"])])
  #expect(try read(model([call("Pass", ["x"], ["y"])], pass)).graph.nodes.last?.op == .identity)
}

@Test func wrongCallsAreRefused() {
  let leak = ONNXFunctionProto.of(
    "Leak", ["a"], ["b"], attributes: ["slope"],
    [.of("LeakyRelu", ["a"], ["b"], [.of("alpha", .float) { $0.refAttrName = "slope" }])])
  func fault(_ node: ONNXNodeProto, _ functions: ONNXFunctionProto...) -> String {
    var file = model([node])
    file.functions = functions
    return ONNXFormatTests.fault(of: file)
  }
  #expect(
    fault(call("Leak", ["x", "x"], ["y"]), leak).contains("node 'call' (Leak) has 2 operands and 1 results"))
  #expect(
    fault(call("Leak", ["x"], ["y"], [.int("axis", 1)]), leak).contains(
      "an attribute 'axis', which its function"))
  #expect(
    fault(call("Leak", ["x"], ["y"], [.int("slope", 1)]), leak).contains(
      "'slope' of another type than its function"))
  #expect(
    fault(call("Leak", ["x"], ["y"]), leak, leak).contains("it defines the function 'local.Leak' twice"))
  #expect(
    fault(call("F", ["x"], ["y"]), .of("F", ["a"], ["b"], [.of("Neg", ["x"], ["b"])]))
      .contains(
        "graph 'local.F' is not well-formed: the node 'b' (Neg) uses the value 'x', which nothing makes"))
  #expect(
    fault(call("F", ["x"], ["y"]), .of("F", ["a"], ["b"], [.of("Neg", ["a"], ["c"])]))
      .contains("calls a function that does not make its result 'b'"))
  #expect(
    fault(call("F", ["x"], ["y"]), .of("F", ["a"], ["b"], [.of("Mystery", ["a"], ["b"], name: "inner")]))
      .contains("ai.onnx.Mystery, opset 17, 1× ('call/inner')"))
  #expect(fault(call("F", ["x"], ["y"]), .of("F", ["a"], ["b"], opset: 29, [])).contains("it uses opset 29"))
}

/// A file of a few kilobytes neither recurses without end nor grows to a model of millions of nodes.
@Test func hostileFunctionsAreRefused() {
  #expect(
    fault(of: model([call("F", ["x"], ["y"])], .of("F", ["a"], ["b"], [call("F", ["a"], ["b"])])))
      .contains("calls a function that calls itself"))
  func chain(_ depth: Int, calls: Int) -> ONNXModelProto {
    var file = model([call("F0", ["x"], ["y"])])
    file.functions = (0...depth).map { level in
      let operands = ["a"] + (1..<calls).map { "v\($0)" }
      let results = operands.dropFirst() + ["b"]
      return .of(
        "F\(level)", ["a"], ["b"],
        level == depth
          ? [.of("Neg", ["a"], ["b"])]
          : zip(operands, results).map { call("F\(level + 1)", [$0], [$1]) })
    }
    return file
  }
  #expect(fault(of: chain(40, calls: 1)).contains("is more than 32 calls deep"))
  #expect(fault(of: chain(25, calls: 4)).contains("larger than is supported (128 MiB of nodes)"))
}

// MARK: Sparse constants

private func sparse(_ values: [Float], _ indices: [Int64], dims: [Int64]) -> ONNXSparseTensorProto {
  .with {
    $0.values = .floats("w", values)
    $0.indices = .integers("", indices)
    $0.dims = dims
  }
}

@Test func sparseConstantsBecomeDense() throws {
  var file = ONNXModelProto.of([.of("Add", ["x", "w"], ["y"])])
  file.graph.sparseInitializer = [sparse([2, 3], [1, 5], dims: [2, 3])]
  let graph = try read(file).graph
  #expect(graph.tensor(graph.nodes[0].inputs[1])?.floats == [0, 2, 0, 0, 0, 3])
  let value = ONNXAttributeProto.of("sparse_value", .sparseTensor) {
    $0.sparseTensor = sparse([4], [2], dims: [3])
  }
  let constant = try read(.of([.of("Constant", [], ["w"], [value]), .of("Add", ["x", "w"], ["y"])])).graph
  #expect(constant.tensor(constant.nodes[0].inputs[1])?.floats == [0, 0, 4])
}

@Test func wrongSparseConstantsAreRefused() {
  func fault(_ values: [Float], _ indices: [Int64], dims: [Int64]) -> String {
    var file = ONNXModelProto.of([.of("Add", ["x", "w"], ["y"])])
    file.graph.sparseInitializer = [sparse(values, indices, dims: dims)]
    return ONNXFormatTests.fault(of: file)
  }
  #expect(fault([1], [3], dims: [3]).contains("has the index 3"))
  #expect(fault([1], [-1], dims: [3]).contains("has the index -1"))
  #expect(fault([1, 2], [2, 2], dims: [3]).contains("not in ascending order"))
  #expect(fault([1], [0, 1], dims: [3]).contains("has 2 indices for values of shape [1]"))
  #expect(fault([1], [0], dims: [1 << 40]).contains("may take at most 1024 MiB"))
  #expect(fault([1], [0], dims: [-1]).contains("has no shape that can be used"))
}
