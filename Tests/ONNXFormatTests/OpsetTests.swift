import Foundation
import ModelGraph
import ONNXFormat
import Testing

/// Every group of files that write one computation in different opsets gives one graph.
@Test func opsetsAgree() throws {
  var groups: [String: [String]] = [:]
  for file in try fixtureFiles("opsets") {
    groups[String(file.prefix { $0 != "-" }), default: []].append(file)
  }
  #expect(groups.count >= 18)
  for (name, files) in groups {
    #expect(files.count > 1, "\(name) has one variant only")
    let texts = try files.map { file in
      // Only the spelling differs: a value of 0 and an unset axis mean the defaults that newer opsets leave
      // out.
      text(try ONNXModel.read(fixtures + "/opsets/" + file).graph)
    }
    for (file, lines) in zip(files, texts) { #expect(lines == texts[0], "\(file) against \(files[0])") }
  }
}

@Test func opsetsOutOfRangeAreRefused() {
  for opset: Int64 in [-1, 0, 29, .max] {
    let fault = fault(of: .of(opset: opset, [.of("Relu", ["x"], ["y"])]))
    #expect(fault.contains("uses opset \(opset); opsets 1 to 28 are supported"), "\(fault)")
  }
  var model = ONNXModelProto.of([.of("Relu", ["x"], ["y"])])
  model.opsetImport = []
  #expect(fault(of: model).contains("does not say which opset it uses"))
  model.opsetImport = [.with { $0.version = 17 }, .with { $0.version = 18 }]
  #expect(fault(of: model).contains("imports the domain '' twice"))
}

/// The first versions of the format did not name an opset.
@Test func oldFilesAreOfOpsetOne() throws {
  var model = ONNXModelProto.of([.of("Relu", ["x"], ["y"], [.ints("consumed_inputs", [0])])])
  model.opsetImport = []
  model.irVersion = 2
  #expect(try read(model).opset == 1)
}

@Test func onnxHasTwoNames() throws {
  var model = ONNXModelProto.of([.of("Relu", ["x"], ["y"], domain: "ai.onnx")])
  model.opsetImport = [.with { ($0.domain, $0.version) = ("ai.onnx", 13) }]
  let imported = try read(model)
  #expect(imported.opset == 13)
  #expect(imported.operatorCounts == ["Relu": 1])
}

/// An attribute that became an operand must not be given as an operand before that, nor the other way round.
@Test func formsOfOtherOpsetsAreRefused() {
  let axes = ONNXTensorProto.integers("a", [1])
  #expect(
    fault(of: .of(opset: 11, constants: [axes], [.of("ReduceSum", ["x", "a"], ["y"])]))
      .contains("has its axes as an operand before opset 13"))
  #expect(
    fault(of: .of(opset: 13, [.of("ReduceSum", ["x"], ["y"], [.ints("axes", [1])])]))
      .contains("an attribute 'axes', which its operator does not have in opset 13"))
  #expect(
    fault(of: .of(opset: 9, [.of("LessOrEqual", ["x", "x"], ["y"])])).contains(
      "it was introduced in opset 12"))
  #expect(
    fault(of: .of(opset: 11, [.of("Upsample", ["x", "x"], ["y"])])).contains("it was removed after opset 9"))
}
