import ModelGraph
import Tensors

/// A graph for concrete input shapes, and what is known of its values.
public struct SpecialisedGraph: Sendable {
  public var graph: Graph
  public var inference: Inference

  public init(graph: Graph, inference: Inference) {
    self.graph = graph
    self.inference = inference
  }
}

extension Graph {
  /// This graph for concrete input shapes: shapes propagated, known values made constants, conditionals whose condition
  /// is known replaced by their branch, nodes that then do nothing removed, and fusions tried again that needed shapes.
  ///
  /// Ids of values that are still there stay what they are; values may be added behind them. Weights that are in a
  /// compiled model are never folded: only what is at hand is computed.
  /// - Parameters:
  ///   - inputs: the types of the inputs, in order.
  ///   - known: elements of inputs, or of what nodes make, that are known by now. An input that is known stays an input.
  ///   - evaluator: computes nodes whose operands are known.
  ///   - check: called before each step that looks at all nodes; what it throws ends the specialisation.
  /// - Throws: ``GraphError`` when the graph cannot have inputs of these types, and what the evaluator and `check` throw.
  public func specialised(
    inputs types: [ValueType], known: [ValueID: Tensor], evaluator: (any ConstantEvaluator)?,
    check: () throws -> Void = {}
  ) throws -> SpecialisedGraph {
    try check()
    var graph = self
    graph.define(known)
    var inference = try graph.inferTypes(inputs: types)
    var growth = FoldingLimits.specialisedGrowth
    // Each round makes known what the next one needs. One that changes something takes a node away, so that there are no
    // more rounds than nodes.
    for _ in 0...nodeCountWithBranches {
      try check()
      graph.annotate(with: inference)
      var changes = graph.foldContents(of: inference)
      changes += try graph.foldConstants(evaluator, growth: &growth)
      // Conditionals in conditionals at once: what is captured is known without inference.
      while case let inlined = try Pass.conditionalInlining.run(&graph, evaluator), inlined > 0 {
        changes += inlined
        try check()
      }
      guard changes > 0 else { break }
      inference = try graph.inferTypes(inputs: types)
    }
    for pass in PassPipeline.specialising {
      try check()
      _ = try pass.run(&graph, evaluator)
    }
    graph.removeDeadCode()
    return SpecialisedGraph(graph: graph, inference: try graph.inferTypes(inputs: types))
  }

  /// Makes constants of values that are known: their makers, and readers of inputs, see them no more.
  private mutating func define(_ known: [ValueID: Tensor]) {
    guard !known.isEmpty else { return }
    let inputs = Set(inputs)
    var stands: [ValueID: ValueID] = [:]
    for (id, tensor) in known.sorted(by: { $0.key < $1.key }) where values.indices.contains(id.index) {
      if inputs.contains(id) {
        stands[id] = addConstant("\(self[id].name).known", tensor)
      } else {
        constants[id] = .tensor(tensor)
      }
    }
    for index in nodes.indices {
      nodes[index].mapOperands { id, _ in stands[id] ?? id }
      nodes[index].outputs = nodes[index].outputs.map { id in
        id.flatMap { known[$0] == nil || inputs.contains($0) ? $0 : nil }
      }
    }
    removeDeadCode()
  }
}
