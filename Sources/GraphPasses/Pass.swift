import ModelGraph

/// A function graph → graph that keeps what the graph means.
///
/// A pass looks at one graph; ``PassPipeline`` runs it on the branches of conditionals too. A pass reads
/// types from the values: run ``Pass/shapeFolding`` first, or annotate the graph, to give it any.
public struct Pass: Sendable {
  /// The category under which a ``PassReport`` counts a pass's changes.
  public enum Kind: String, Sendable, Codable {
    /// Computes ahead of time what does not depend on the inputs.
    case folding
    /// Makes one node of several.
    case fusion
    /// Removes or normalises.
    case simplification
  }

  /// The name in reports.
  public var name: String
  public var kind: Kind
  /// Rewrites the graph and returns the number of changes: 0 means that it is as it was.
  public var run: @Sendable (inout Graph, (any ConstantEvaluator)?) throws -> Int

  public init(
    name: String, kind: Kind, run: @escaping @Sendable (inout Graph, (any ConstantEvaluator)?) throws -> Int
  ) {
    self.name = name
    self.kind = kind
    self.run = run
  }

  /// Runs the pass on `graph` and on the branches in it, inner ones last.
  ///
  /// A branch that cannot be typed stays as it is: it may be one that is never taken.
  package func runEverywhere(
    _ graph: inout Graph, _ evaluator: (any ConstantEvaluator)?, depth: Int = 0
  ) throws -> Int {
    var changes = try run(&graph, evaluator)
    guard depth < Graph.maximumBranchDepth else { return changes }
    for index in graph.nodes.indices {
      let operands = graph.nodes[index].inputs.map { id in id.flatMap { graph[$0].type } }
      if var looping = graph.nodes[index].op.looping {
        // The first inputs may change from round to round.
        let captured =
          Array(repeating: nil, count: looping.firstCapture) + operands.dropFirst(looping.firstCapture)
        looping.body.adoptInputTypes(captured)
        changes += try runInBranch(&looping.body, evaluator, depth: depth + 1)
        graph.nodes[index].op = Op(looping)
      }
      guard var conditional = graph.nodes[index].op.as(Conditional.self) else { continue }
      let captured = Array(operands.dropFirst())
      conditional.then.adoptInputTypes(captured)
      conditional.otherwise.adoptInputTypes(captured)
      changes += try runInBranch(&conditional.then, evaluator, depth: depth + 1)
      changes += try runInBranch(&conditional.otherwise, evaluator, depth: depth + 1)
      graph.nodes[index].op = Op(conditional)
    }
    return changes
  }

  private func runInBranch(
    _ branch: inout Graph, _ evaluator: (any ConstantEvaluator)?, depth: Int
  ) throws -> Int {
    var rewritten = branch
    do {
      let changes = try runEverywhere(&rewritten, evaluator, depth: depth)
      branch = rewritten
      return changes
    } catch is GraphError { return 0 }
  }
}

extension Graph {
  /// The maximum nesting of conditionals that passes follow.
  static let maximumBranchDepth = 64

  /// Nodes of this graph and of all branches in it.
  var nodeCountWithBranches: Int {
    nodes.reduce(0) { count, node in
      node.op.bodies.reduce(count + 1) { $0 + $1.nodeCountWithBranches }
    }
  }

  /// Writes what is known outside of captured values into a branch's inputs.
  fileprivate mutating func adoptInputTypes(_ types: [ValueType?]) {
    for (id, type) in zip(inputs, types) {
      if let type { self[id].type = type }
    }
  }
}

/// The effects of a run of the passes.
public struct PassReport: Sendable, Codable, Equatable {
  /// Nodes before and after, those in branches included.
  public var nodesBefore: Int
  public var nodesAfter: Int
  /// Changes of passes that computed something ahead of time.
  public var folded: Int
  /// Changes of passes that made one node of several.
  public var fused: Int
  /// Changes by name of the pass; passes that changed nothing are left out.
  public var changes: [String: Int]
  /// The number of rounds over the graph until nothing changed any more.
  public var rounds: Int
}
