import Device
import Kernels
import ModelCompiler
import ModelGraph
import Tensors
import Testing

/// Models with a node that the device has no kernel for are refused when they are compiled, whatever their sizes.
@Suite struct MissingKernelTests {
  private func compile(_ op: Op, _ type: ElementType) throws {
    var graph = Graph(name: "open")
    let x = graph.addValue("x", type: ValueType(type, [.symbol("rows"), .symbol("columns")]))
    graph.inputs = [x]
    let y = graph.addValue("y")
    graph.nodes = [Node(name: "lonely", op: op, inputs: [x], outputs: [y])]
    graph.outputs = [y]
    _ = try ModelCompiler(device: try TestDevice.shared.get()).compile(graph)
  }

  @Test func openSizesHideNoMissingKernel() throws {
    let error = try #require(throws: CompilationError.self) { try compile(.unary(.exponential), .int32) }
    #expect("\(error)".contains("'lonely'") && "\(error)".contains("int32"), "\(error)")
    #expect(throws: CompilationError.self) { try compile(.unary(.sine), .uint64) }
    #expect(throws: CompilationError.self) { try compile(.softmax(axis: -1), .int64) }
  }

  @Test func kernelsThatExistAreNotMissed() throws {
    try compile(.unary(.exponential), .float16)
    let reduce = Op.reduce(.l2, keepDimensions: true, noopWithEmptyAxes: false)
    for type: ElementType in [.int32, .int64, .float32, .float16] { try compile(reduce, type) }
    try compile(.reduce(.maximum, keepDimensions: true, noopWithEmptyAxes: false), .uint64)
    try compile(.argumentOf(.minimum, axis: 0, keepDimensions: true, selectLastIndex: false), .uint64)
  }
}
