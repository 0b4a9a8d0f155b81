import ONNXFormat
import Testing

/// One message names everything that is not supported: operators of each domain with opset, count and node names, forms
/// of operators, types, and what is inside subgraphs, also those of unsupported operators.
@Test func everythingUnsupportedIsListed() {
  let body = ONNXGraphProto.of(outputs: ["l"], [.of("Deform", ["x"], ["l"], name: "inLoop")])
  let branch = ONNXGraphProto.of(outputs: ["b"], [.of("Deform", ["x"], ["b"], name: "inBranch")])
  var model = ONNXModelProto.of(
    opset: 17, inputs: [.of("x"), .of("c", type: 9, []), .of("s", type: 14)], outputs: ["y"],
    (0..<7).map { .of("Harden", ["x"], ["h\($0)"], name: "hard\($0)") } + [
      .of("Repeat", ["x"], ["loop"], name: "loop", [.graph("body", body)]),
      .of("If", ["c"], ["if"], name: "if", [.graph("then_branch", branch), .graph("else_branch", branch)]),
      .of("QAttention", ["x"], ["q"], name: "attention", domain: "com.microsoft"),
      .of("Mystery", ["x"], ["m"], name: "mystery", domain: "org.example"),
      .of(
        "LSTM", ["x", "x", "x"], ["lstm"], name: "lstm",
        [.int("hidden_size", 2), .texts("activations", ["Mish", "Tanh", "Tanh"])]),
      .of("Relu", ["x"], ["y"]),
    ])
  model.opsetImport.append(.with { ($0.domain, $0.version) = ("com.microsoft", 1) })
  let lines = fault(of: model).split(separator: "\n").map(String.init)
  #expect(lines.first?.hasSuffix("uses 7 unsupported features:") == true)
  #expect(
    lines.dropFirst() == [
      "  ai.onnx.Deform, opset 17, 3× ('inLoop', 'inBranch', 'inBranch')",
      "  ai.onnx.Harden, opset 17, 7× ('hard0', 'hard1', 'hard2', 'hard3', 'hard4' and 2 more)",
      "  ai.onnx.LSTM, opset 17, 1×: activation 'Mish' ('lstm')",
      "  ai.onnx.Repeat, opset 17, 1× ('loop')",
      "  an input of type complex64, 1× ('s')",
      "  com.microsoft.QAttention, opset 1, 1× ('attention')",
      "  org.example.Mystery, 1× ('mystery')",
    ])
}

@Test func formsThatNoGraphCanExpress() {
  func form(_ node: ONNXNodeProto, _ expected: String, opset: Int64 = 17) {
    let fault = fault(of: .of(opset: opset, inputs: [.of("x", [1, 2, 4, 4])], [node]))
    #expect(fault.contains(expected), "\(fault)")
  }
  form(.of("BatchNormalization", ["x", "x", "x", "x", "x"], ["y", "m"]), "training mode", opset: 9)
  form(
    .of("BatchNormalization", ["x", "x", "x", "x", "x"], ["y"]), "training mode (is_test = 0)", opset: 6)
  form(.of("Dropout", ["x"], ["y"]), "training mode (is_test = 0)", opset: 6)
  form(.of("Cast", ["x"], ["y"], [.text("to", "COMPLEX64")]), "to 'COMPLEX64'", opset: 1)
  form(.of("Cast", ["x"], ["y"], [.int("to", 14)]), "to complex64")
  form(
    .of("RNN", ["x", "x", "x"], ["y"], [.int("hidden_size", 2), .texts("activations", ["Mish"])]),
    "activation 'Mish'")
  form(
    .of("Resize", ["x", "", "x"], ["y"], [.text("coordinate_transformation_mode", "tf_half_pixel_for_nn")]),
    "coordinate_transformation_mode 'tf_half_pixel_for_nn'")
}

/// Types are refused by name, where they are.
@Test func typesThatNoTensorCanHave() {
  var tensor = ONNXTensorProto.floats("w", [1])
  tensor.dataType = 27
  #expect(
    fault(of: .of(constants: [tensor], [.of("Relu", ["x"], ["y"])]))
      .contains("a constant of type float6e2m3, 1× ('w')"))
  var input = ONNXValueInfoProto.of("s")
  input.type.sequenceType = .init()
  #expect(
    fault(of: .of(inputs: [.of("x"), input], [.of("Relu", ["x"], ["y"])]))
      .contains("an input of type sequence, 1× ('s')"))
}
