import ModelGraph

/// The passes in their order, run until nothing changes any more.
public struct PassPipeline {
  /// Computing ahead, removing, normalising: until the graph is as small as these make it.
  static let simplifying: [Pass] = [
    .shapeFolding, .quantizedProducts, .levelMovement, .levelArithmetic, .levelTables, .scaledSums,
    .constantFolding, .conditionalInlining,
    .noOpRemoval,
    .commonSubexpressions,
    .softmaxSimplification, .reshapeSimplification, .transposeSimplification, .activationRecognition,
    .layerNormalizationRecognition, .batchNormalizationFolding, .oneHotProducts, .tableFolding,
    .affineFolding, .padMerging, .gateSimplification, .reshapeSinking, .deadCode,
  ]
  /// The forms of operations that kernels are fast at, once there is nothing more to recognise.
  static let preparing: [Pass] = [
    .roundedProducts, .unsignedLevels, .integerZeroPoints, .shapeFolding, .constantFolding, .deadCode,
  ]
  /// Passes that put operations where the foldings above no longer see them.
  static let fusing: [Pass] = [.postOpFusion, .noOpRemoval, .deadCode]
  /// Passes that cost little and that concrete shapes can give something to do again.
  static let specialising: [Pass] = [
    .noOpRemoval, .softmaxSimplification, .reshapeSimplification, .transposeSimplification, .reshapeSinking,
    .postOpFusion,
  ]

  /// Every pass that ``optimise(_:evaluator:verifying:progress:)`` runs, in order of first use.
  public static let optimisation: [Pass] =
    [.sinkBranchConstants, .halvesAsFloats] + simplifying + [
      .roundedProducts, .unsignedLevels, .integerZeroPoints, .postOpFusion, .hoistBranchConstants,
    ]

  /// The maximum number of rounds over a graph. Real models settle in four rounds.
  private static let maximumRounds = 12

  /// Optimises `graph`, branches included, and leaves it compacted and annotated with types.
  ///
  /// Inputs and outputs keep their names, order and number; value ids change.
  /// - Parameters:
  ///   - evaluator: computes nodes whose operands are known; without one only what needs no arithmetic is folded.
  ///   - verifying: check the graph after every pass that changed it.
  ///   - progress: is told the name of each pass before it runs.
  /// - Throws: what inference and the evaluator throw, and ``GraphError`` when a pass broke the graph.
  public static func optimise(
    _ graph: inout Graph, evaluator: (any ConstantEvaluator)?, verifying: Bool,
    progress: ((String) -> Void)? = nil
  ) throws -> PassReport {
    var report = PassReport(
      nodesBefore: graph.nodeCountWithBranches, nodesAfter: 0, folded: 0, fused: 0, changes: [:], rounds: 0)
    func run(_ passes: [Pass], on graph: inout Graph) throws -> Int {
      var total = 0
      for pass in passes {
        progress?(pass.name)
        let changes = try pass.runEverywhere(&graph, evaluator)
        guard changes > 0 else { continue }
        total += changes
        report.record(changes, of: pass)
        if verifying { try graph.verify() }
      }
      return total
    }
    _ = try run([.sinkBranchConstants, .halvesAsFloats], on: &graph)
    for stage in [simplifying, preparing, fusing] {
      for _ in 0..<maximumRounds {
        report.rounds += 1
        if try run(stage, on: &graph) == 0 { break }
      }
    }
    _ = try run([.hoistBranchConstants, .deadCode], on: &graph)
    graph.compact()
    graph.annotate(with: try graph.inferTypes())
    if verifying { try graph.verify() }
    report.nodesAfter = graph.nodeCountWithBranches
    return report
  }
}

extension PassReport {
  fileprivate mutating func record(_ count: Int, of pass: Pass) {
    changes[pass.name, default: 0] += count
    switch pass.kind {
    case .folding: folded += count
    case .fusion: fused += count
    case .simplification: break
    }
  }
}
