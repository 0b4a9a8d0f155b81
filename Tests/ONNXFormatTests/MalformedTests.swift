import Foundation
import ONNXFormat
import Testing

// MARK: Bytes

@Test func filesThatAreNoneAreRefused() throws {
  let folder = try TemporaryFolder()
  func fault(_ path: String) -> String {
    (#expect(throws: ONNXError.self) { try ONNXModel.read(path) }).map { "\($0)" } ?? ""
  }
  #expect(fault(folder.path + "/absent.onnx").contains("No such file"))
  #expect(fault(folder.path).contains("not a regular file"))
  #expect(fault(try folder.write([], to: "empty.onnx")).contains("it is empty"))
  #expect(
    fault(try folder.write(Array("not a model".utf8), to: "text.onnx")).contains("is not an ONNX model"))
  // A pipe that nobody writes to must not be waited for.
  #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
  #expect(fault(folder.path + "/pipe").contains("not a regular file"))
}

/// Cut anywhere, a model is refused: its graph comes before what says which opset it uses.
@Test func truncatedModelsAreRefused() throws {
  let folder = try TemporaryFolder()
  let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixtures + "/network.onnx")))
  for count in bytes.indices {
    let path = try folder.write(Array(bytes[..<count]), to: "cut.onnx")
    #expect(throws: ONNXError.self, "cut to \(count) bytes") { try ONNXModel.read(path) }
  }
}

/// A bit flipped in every byte: read or refused, never anything else.
@Test(arguments: ["branches", "functions"])
func flippedBitsDoNotTrap(file: String) throws {
  let folder = try TemporaryFolder()
  let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(file).onnx")))
  for index in bytes.indices {
    var damaged = bytes
    damaged[index] ^= 1 << UInt8(index % 8)
    let path = try folder.write(damaged, to: "flipped.onnx")
    do { _ = try ONNXModel.read(path) } catch { #expect(error is ONNXError, "byte \(index): \(error)") }
  }
}

@Test func deepNestingIsRefused() throws {
  var graph = ONNXGraphProto.of(outputs: ["r"], [.of("Relu", ["x"], ["r"])])
  func nested(_ depth: Int) -> ONNXModelProto {
    var inner = graph
    for _ in 1..<depth {
      inner = .of(
        outputs: ["r"],
        [.of("If", ["c"], ["r"], [.graph("then_branch", inner), .graph("else_branch", graph)])])
    }
    return .of(
      inputs: [.of("x"), .of("c", type: 9, [])], outputs: ["r"], inner.node)
  }
  _ = try read(nested(16))
  #expect(fault(of: nested(17)).contains("nest deeper than 16"))
  graph.name = String(repeating: "g", count: 1000)
  #expect(fault(of: nested(40)).contains("nest deeper than 16"))
}

// MARK: Tensors

/// Four gigabytes, and more than there are addresses, claimed by a file of a few bytes.
@Test func claimsAreCheckedBeforeAllocating() {
  func claiming(_ dims: [Int64], type: Int32 = 1) -> String {
    var tensor = ONNXTensorProto.floats("w", [1, 2, 3], dims: dims)
    tensor.dataType = type
    return fault(of: .of(constants: [tensor], [.of("Add", ["x", "w"], ["y"])]))
  }
  #expect(claiming([1 << 30]).contains("the constant 'w' says it is float32[1073741824], which takes"))
  #expect(claiming([1 << 62, 4]).contains("has no shape that can be used"))
  #expect(claiming([-1]).contains("has a negative dimension"))
  #expect(claiming(Array(repeating: 1, count: 17)).contains("rank 17"))
  #expect(claiming([2]).contains("takes 2 elements, but float_data has 3"))
  #expect(claiming([3], type: 7).contains("takes 3 elements, but int64_data has 0"))
  #expect(claiming([3], type: 99).contains("an element type, 99, that ONNX does not define"))
  #expect(claiming([3], type: 0).contains("an element type, 0, that ONNX does not define"))
}

// MARK: Graphs

@Test func cyclesAreRefused() {
  #expect(
    fault(of: .of([.of("Add", ["x", "b"], ["a"], name: "first"), .of("Neg", ["a"], ["b"], name: "second")]))
      .contains("depends on its own result"))
  #expect(
    fault(of: .of([.of("Add", ["x", "y"], ["y"])])).contains("node 'y' (Add) depends on its own result"))
  // Through a branch.
  let branch = ONNXGraphProto.of(outputs: ["b"], [.of("Neg", ["y"], ["b"])])
  #expect(
    fault(
      of: .of(
        inputs: [.of("x"), .of("c", type: 9, [])],
        [.of("If", ["c"], ["y"], [.graph("then_branch", branch), .graph("else_branch", branch)])])
    ).contains("depends on its own result"))
}

@Test func missingAndRepeatedValuesAreRefused() {
  let relu = ONNXNodeProto.of("Relu", ["x"], ["y"])
  #expect(
    fault(of: .of([.of("Relu", ["nowhere"], ["y"], name: "n")]))
      .contains("the node 'n' (Relu) uses the value 'nowhere', which nothing makes"))
  #expect(fault(of: .of(outputs: ["z"], [relu])).contains("nothing makes its output 'z'"))
  #expect(fault(of: .of(outputs: [], [relu])).contains("it has no outputs"))
  #expect(fault(of: .of(outputs: ["y", "y"], [relu])).contains("two outputs called 'y'"))
  #expect(fault(of: .of([relu, relu])).contains("the value 'y' is made more than once"))
  #expect(fault(of: .of([.of("Split", ["x"], ["y", "y"])])).contains("the value 'y' is made more than once"))
  #expect(fault(of: .of([.of("Relu", ["x"], ["x"]), relu])).contains("the value 'x' is made more than once"))
  #expect(fault(of: .of(inputs: [.of("x"), .of("x")], [relu])).contains("two inputs"))
  // One name to Swift, two to ONNX: the second would be taken for the first.
  let accents = [ONNXNodeProto.of("Relu", ["x"], ["caf\u{E9}"]), .of("Neg", ["cafe\u{301}"], ["y"])]
  #expect(fault(of: .of(inputs: [.of("x")], accents)).contains("normalisation"))
  let constants = [ONNXTensorProto.floats("w", [1]), .floats("w", [1])]
  #expect(fault(of: .of(constants: constants, [relu])).contains("two constants"))
  var model = ONNXModelProto.of([relu])
  model.clearGraph()
  #expect(fault(of: model).contains("it holds no graph"))
}

// MARK: Nodes

@Test func wrongAttributesAreRefused() {
  func flatten(_ attributes: [ONNXAttributeProto]) -> String {
    fault(of: .of([.of("Flatten", ["x"], ["y"], name: "flat", attributes)]))
  }
  #expect(
    flatten([.float("axis", 1)])
      .contains("node 'flat' (Flatten) has the attribute 'axis' of type float, where int is expected"))
  #expect(flatten([.int("axis", 1), .int("axis", 1)]).contains("has an attribute twice"))
  #expect(flatten([.int("axes", 1)]).contains("an attribute 'axes', which its operator does not have"))
  #expect(flatten([.int("axis", .max)]).contains("axis"))
  let reference = ONNXAttributeProto.of("axis", .int) { $0.refAttrName = "outer" }
  #expect(flatten([reference]).contains("from a function, which it is not in"))
  func convolution(_ attributes: ONNXAttributeProto...) -> String {
    let weight = ONNXTensorProto.floats("w", [1], dims: [1, 1, 1, 1])
    return fault(
      of: .of(
        inputs: [.of("x", [1, 1, 4, 4])], constants: [weight], [.of("Conv", ["x", "w"], ["y"], attributes)]))
  }
  #expect(convolution(.ints("strides", [0, 1])).contains("has 0 in 'strides', which must be 1 to"))
  #expect(convolution(.ints("pads", [1, 1, -1, 1])).contains("has -1 in 'pads'"))
  #expect(
    convolution(.ints("strides", [1, 1, 1])).contains(
      "strides [1, 1, 1] or dilations [1, 1, 1] are not of 2 spatial axes"))
  #expect(
    convolution(.ints("strides", [1, 1]), .ints("pads", [1])).contains("has 1 numbers in 'pads', where 4"))
  #expect(convolution(.int("group", 0)).contains("has 0 for 'group'"))
  #expect(convolution(.text("auto_pad", "MAYBE")).contains("auto_pad 'MAYBE'"))
  #expect(fault(of: .of([.of("Concat", ["x"], ["y"])])).contains("lacks the attribute 'axis'"))
}

@Test func wrongOperandsAndResultsAreRefused() {
  #expect(fault(of: .of([.of("Relu", ["x", "x"], ["y"])])).contains("has 2 operands; it takes 1"))
  #expect(fault(of: .of([.of("Add", ["x"], ["y"])])).contains("has 1 operands; it takes 2"))
  #expect(fault(of: .of([.of("Add", ["", "x"], ["y"])])).contains("has 1 operands; it takes 2"))
  #expect(fault(of: .of([.of("Relu", ["x"], ["y", "z"])])).contains("cannot be used"))
  #expect(fault(of: .of([.of("Relu", ["x"], [])])).contains("has no results"))
  // Types that contradict each other are found by inference.
  #expect(
    fault(of: .of(constants: [.integers("i", [1])], [.of("Add", ["x", "i"], ["y"], name: "sum")]))
      .contains("node 'sum'"))
}

/// Names from a file are cut and cleaned before they are shown.
@Test func messagesAreBounded() {
  let name = String(repeating: "a\n\u{1b}", count: 100_000)
  let fault = fault(of: .of([.of("Relu", [name], ["y"], name: name)]))
  #expect(fault.utf8.count < 1500)
  #expect(!fault.contains("\n") && !fault.contains("\u{1b}"))
}
