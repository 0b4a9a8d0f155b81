import GraphPasses
import ModelGraph
import Tensors

/// Builds small graphs by hand.
struct GraphBuilder {
  var graph = Graph(name: "test")

  mutating func input(_ name: String, _ dims: [Dimension], _ type: ElementType = .float32) -> ValueID {
    let id = graph.addValue(name, type: ValueType(type, dims))
    graph.inputs.append(id)
    return id
  }

  mutating func input(_ name: String, _ dims: [Int], _ type: ElementType = .float32) -> ValueID {
    input(name, dims.map { Dimension.known($0) }, type)
  }

  mutating func constant(_ name: String, _ elements: [Float], _ dims: [Int] = []) throws -> ValueID {
    graph.addConstant(name, try Tensor(elements, shape: try Shape(checking: dims)))
  }

  mutating func integers(_ name: String, _ elements: [Int64]) throws -> ValueID {
    graph.addConstant(name, try Tensor(elements, shape: try Shape(checking: [elements.count])))
  }

  /// A constant of `dims` whose elements are 0.1, 0.2, …
  mutating func ramp(_ name: String, _ dims: [Int]) throws -> ValueID {
    try constant(name, (0..<dims.reduce(1, *)).map { Float($0 + 1) / 10 }, dims)
  }

  /// Adds a node of one result, whose name the node has.
  mutating func node(_ name: String, _ op: Op, _ inputs: ValueID?...) -> ValueID {
    let result = graph.addValue(name)
    graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: [result]))
    return result
  }

  mutating func output(_ ids: ValueID...) { graph.outputs += ids }

  /// A convolution with a window of `window` and weights 0.1, 0.2, …
  mutating func convolution(
    _ name: String, _ x: ValueID, weights dims: [Int], bias: ValueID? = nil, padding: Int = 0, groups: Int = 1
  ) throws -> ValueID {
    let weights = try ramp("\(name).w", dims)
    let spatial = dims.count - 2
    return node(
      name,
      .convolution(
        Convolution(
          strides: [Int](repeating: 1, count: spatial), dilations: [Int](repeating: 1, count: spatial),
          padding: .explicit([Int](repeating: padding, count: 2 * spatial)), groups: groups)), x, weights,
      bias)
  }

  /// The graph with its types, well-formed.
  func typed() throws -> Graph {
    var graph = graph
    graph.annotate(with: try graph.inferTypes())
    try graph.verify()
    return graph
  }

  /// Applies `pass` to the graph. Returns the new graph and the number of changes that the pass reports.
  /// Verifies the graph before and after.
  func after(_ pass: Pass, _ evaluator: (any ConstantEvaluator)? = nil) throws -> (graph: Graph, changes: Int)
  {
    var graph = try typed()
    let changes = try pass.run(&graph, evaluator)
    try graph.verify()
    return (graph, changes)
  }
}

extension Graph {
  /// The names of the nodes' ops, in order.
  var ops: [String] { nodes.map(\.op.name) }

  /// The node that makes the value of this name.
  func maker(of name: String) -> Node? {
    nodes.first { $0.outputs.contains { id in id.map { self[$0].name == name } ?? false } }
  }

  /// The constant that is operand `operand` of the node that makes the value of this name.
  func parameter(_ operand: Int, of name: String) -> [Float]? {
    guard let inputs = maker(of: name)?.inputs, inputs.indices.contains(operand) else { return nil }
    return tensor(inputs[operand])?.floats
  }

  /// The names of a node's operands.
  func operandNames(of name: String) -> [String?] {
    maker(of: name)?.operands.map { $0.map { self[$0].name } } ?? []
  }
}
