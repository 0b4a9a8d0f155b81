import ModelGraph
import Tensors

extension OperatorImport {
  /// Ensembles of decision trees.
  static let treeOperators: [String: OperatorImport] = [
    "TreeEnsemble": OperatorImport(1...1, since: 5) { node in
      let aggregations: [TreeAggregation] = [.average, .sum, .minimum, .maximum]
      let transforms: [PostTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]
      let aggregation = aggregations[try node.integer("aggregate_function", in: 0...3, default: 1)]
      let transform = transforms[try node.integer("post_transform", in: 0...4, default: 0)]
      let targets = try node.integer("n_targets", in: 1...NodeImport.largest, default: 1)
      let x = try node.operand(0)
      guard let type = node.elementType(x) else { throw NodeImport.unknownFeatures }
      let (forest, areDoubles) = try TreeForest.numbered(node)
      let scores = try node.scores(forest, areDoubles, targets: targets, aggregation)
      try node.emit(.cast(type), [try node.transformed(scores, transform)])
    },
    "TreeEnsembleRegressor": OperatorImport(1...1) { node in
      let aggregation = try node.choice(
        "aggregate_function", default: "SUM",
        ["SUM": TreeAggregation.sum, "AVERAGE": .average, "MIN": .minimum, "MAX": .maximum])
      let transform = try node.postTransform()
      let targets = try node.integer("n_targets", in: 1...NodeImport.largest)
      let (forest, areDoubles) = try TreeForest.listed(node, role: "target")
      var scores = try node.scores(forest, areDoubles, targets: targets, aggregation)
      scores = try node.addBase(try node.baseValues(targets), to: scores)
      try node.emit(.cast(.float32), [try node.transformed(scores, transform)])
    },
    "TreeEnsembleClassifier": OperatorImport(1...1, treeClassifier),
  ]

  /// The top class and the scores. If only class 0 of two has weights, its sum is the score of class 1, and that of class 0
  /// follows from it. ONNX has no rule for that, which models of two classes use: this is onnxruntime's.
  private static func treeClassifier(_ node: NodeImport) throws {
    let labels = try node.classLabels("classlabels_int64s")
    let transform = try node.postTransform()
    let (forest, areDoubles) = try TreeForest.listed(node, role: "class")
    if let target = forest.weights.map(\.target).first(where: { !labels.indices.contains($0) }) {
      throw node.malformed("has a weight for the class \(target) of \(labels.count)")
    }
    let weighted = Set(forest.weights.map(\.target))
    let base = try node.baseValues(labels.count)
    let allPositive = forest.weights.allSatisfy { $0.weight >= 0 }
    let threshold = allPositive ? 0.5 : 0
    guard labels.count <= 2, weighted.count == 1 else {
      let sums = try node.scores(forest, areDoubles, targets: labels.count, .sum)
      let scores = try node.addBase(base, to: sums)
      let candidates =
        base == nil ? try node.withoutUnweighted(scores, forest, areDoubles, targets: labels.count) : scores
      return try node.emitClasses(
        try node.topLabel(candidates, labels), scores: try node.transformed(scores, transform))
    }
    if weighted == [1] {
      let sums = try node.scores(forest, areDoubles, targets: 2, .sum)
      let scores = try node.addBase(base, to: sums)
      let second = node.intermediate(.gather(axis: 1), [scores, try node.constant([1], "one")], "second")
      return try node.emitClasses(
        try node.label(second, above: threshold, of: labels),
        scores: try node.transformed(scores, transform))
    }
    let sums = try node.scores(forest, areDoubles, targets: 1, .sum)
    let score = try node.addBase(base.map { Array($0.prefix(1)) }, to: sums)
    if labels.count == 1 {
      return try node.emitClasses(
        try node.label(score, above: 0, of: labels), scores: try node.transformed(score, transform))
    }
    try node.emitClasses(
      try node.label(score, above: threshold, of: labels),
      scores: try node.twoScores(score, transform, addUpToOne: allPositive))
  }
}

extension NodeImport {
  /// The combined weights of the trees, in the precision of the model's numbers.
  fileprivate func scores(
    _ forest: TreeForest, _ areDoubles: Bool, targets: Int, _ aggregation: TreeAggregation
  ) throws -> ValueID {
    let operand = try operand(0)
    guard let given = elementType(operand) else { throw Self.unknownFeatures }
    let type: ElementType = areDoubles || given == .float64 ? .float64 : .float32
    let rows = try featureRows(operand)
    let features = min(graph.type(of: rows)?.dimensions?.last?.size ?? .max, TreeSlots.features)
    if let feature = forest.branches.map(\.feature).first(where: { $0 < 0 || $0 >= features }) {
      throw malformed("reads the feature \(feature) of \(features)")
    }
    if let target = forest.weights.map(\.target).first(where: { $0 < 0 || $0 >= targets }) {
      throw malformed("has a weight for the target \(target) of \(targets)")
    }
    guard let tables = try forest.tables(targets: targets, aggregation, type) else {
      throw malformed("has a tree that leads back to itself, or too many nodes")
    }
    let x = given == type ? rows : intermediate(.cast(type), [rows], "features")
    let lists = zip(tables.lists, ["starts", "targets", "weights"]).map {
      graph.constant($0, named: "\(name)/\($1)")
    }
    return intermediate(
      tables.op,
      [
        x, graph.constant(tables.slots, named: "\(name)/slots"),
        graph.constant(tables.roots, named: "\(name)/roots"),
      ]
        + lists, "trees")
  }

  /// The scores with -∞ for the classes of a row of which no leaf has a weight: the top class is one of the others, also where
  /// all of their scores are negative, as in onnxruntime and in ONNX's reference implementation.
  fileprivate func withoutUnweighted(
    _ scores: ValueID, _ forest: TreeForest, _ areDoubles: Bool, targets: Int
  ) throws -> ValueID {
    if forest.weights.allSatisfy({ $0.weight > 0 }) || forest.weightedForAllRows().count == targets {
      return scores
    }
    var counting = forest
    for index in counting.weights.indices { counting.weights[index].weight = 1 }
    let counts = try self.scores(counting, areDoubles, targets: targets, .sum)
    let hasWeights = intermediate(
      .binary(.greater), [counts, try constant(0, like: counts, "none")], "hasWeights")
    return intermediate(
      .select, [hasWeights, scores, try constant(-.infinity, like: scores, "lowest")], "candidates")
  }

  /// The base values: one for each target, or one for all.
  fileprivate func baseValues(_ targets: Int) throws -> [Double]? {
    guard let values = try numbers("base_values")?.values else { return nil }
    guard values.count == targets || values.count == 1 else {
      throw malformed("has \(values.count) base values for \(targets) targets")
    }
    return values
  }

  fileprivate func addBase(_ base: [Double]?, to scores: ValueID) throws -> ValueID {
    guard let base, base.contains(where: { $0 != 0 }) else { return scores }
    let shape = try Shape(checking: [base.count])
    let tensor =
      elementType(scores) == .float64
      ? try Tensor(base, shape: shape) : try Tensor(base.map { Float($0) }, shape: shape)
    return intermediate(.binary(.add), [scores, graph.constant(tensor, named: "\(name)/base")], "based")
  }
}
