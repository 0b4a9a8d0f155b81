import ModelGraph
import Tensors

extension TreeForest {
  /// Reads the attributes of `TreeEnsemble`.
  /// - Returns: the trees, and whether some of their numbers are doubles.
  static func numbered(_ node: NodeImport) throws -> (forest: TreeForest, areDoubles: Bool) {
    node.ignore("nodes_hitrates")
    var forest = TreeForest()
    let features = try node.integers("nodes_featureids") ?? []
    let count = features.count
    func integers(_ name: String, _ count: Int) throws -> [Int] {
      let values = try node.integers(name) ?? []
      try node.check(values.count, name, count)
      return values
    }
    let (trueIDs, falseIDs) = (
      try integers("nodes_truenodeids", count), try integers("nodes_falsenodeids", count)
    )
    let (trueLeaves, falseLeaves) = (
      try integers("nodes_trueleafs", count), try integers("nodes_falseleafs", count)
    )
    let missing = try node.integers("nodes_missing_value_tracks_true") ?? []
    if !missing.isEmpty { try node.check(missing.count, "nodes_missing_value_tracks_true", count) }
    guard let modes = try node.tensor(attribute: "nodes_modes")?.integers,
      let splits = try node.tensor(attribute: "nodes_splits"),
      let leafWeights = try node.tensor(attribute: "leaf_weights")
    else { throw node.malformed("lacks its modes, splits or weights") }
    let thresholds = try node.reals(splits, "nodes_splits")
    try node.check(modes.count, "nodes_modes", count)
    try node.check(thresholds.count, "nodes_splits", count)
    let weights = try node.reals(leafWeights, "leaf_weights")
    let targets = try integers("leaf_targetids", weights.count)
    forest.leafCount = weights.count
    forest.weights = weights.indices.map { Weight(leaf: $0, target: targets[$0], weight: weights[$0]) }

    func place(_ index: Int, isLeaf: Bool) throws -> Place {
      guard index >= 0, index < (isLeaf ? weights.count : count) else {
        throw node.malformed("leads to the \(isLeaf ? "leaf" : "node") \(index), which it does not have")
      }
      return isLeaf ? .leaf(index) : .branch(index)
    }
    var members = try Members(node)
    for index in 0..<count {
      let (ifTrue, ifFalse) = (
        try place(trueIDs[index], isLeaf: trueLeaves[index] != 0),
        try place(falseIDs[index], isLeaf: falseLeaves[index] != 0)
      )
      func branch(_ mode: Mode, _ threshold: Double, else other: Place) -> Branch {
        TreeForest.branch(
          mode, feature: features[index], threshold: threshold,
          missingIsTrue: missing.isEmpty ? false : missing[index] != 0, ifTrue: ifTrue, ifFalse: other)
      }
      if Mode.numbered.indices.contains(modes[index]) {
        forest.branches.append(branch(Mode.numbered[modes[index]], thresholds[index], else: ifFalse))
      } else if modes[index] == 6 {
        // A set is asked for member by member. Nothing equals NaN, the member of an empty set.
        let set = try members.next(node)
        forest.branches.append(branch(.equal, set.last ?? .nan, else: ifFalse))
        members.chains.append((index, set.dropLast().map { branch(.equal, $0, else: ifFalse) }))
      } else {
        throw node.malformed("has the mode \(modes[index]), which is none")
      }
    }
    // Behind the branches of the file, whose indices are known: each further member leads to the one before it.
    for (index, chain) in members.chains {
      for var link in chain {
        link.second = .branch(forest.branches.count)
        forest.branches.append(forest.branches[index])
        forest.branches[index] = link
      }
    }
    for root in try node.integers("tree_roots") ?? [] { forest.roots.append(try place(root, isLeaf: false)) }
    guard !forest.roots.isEmpty else { throw node.malformed("has no trees") }
    return (forest, [splits, leafWeights].contains { $0.elementType == .float64 })
  }
}

/// The sets of `BRANCH_MEMBER`, each ended by NaN.
private struct Members {
  private var values: ArraySlice<Double>
  /// The branches that the members of a set need beside the first.
  var chains: [(branch: Int, links: [TreeForest.Branch])] = []

  init(_ node: NodeImport) throws {
    let tensor = try node.tensor(attribute: "membership_values")
    values = try tensor.map { try node.reals($0, "membership_values") }?[...] ?? []
  }

  mutating func next(_ node: NodeImport) throws -> ArraySlice<Double> {
    guard let end = values.firstIndex(where: \.isNaN) else {
      throw node.malformed("has fewer sets in 'membership_values' than nodes that need one")
    }
    defer { values = values[(end + 1)...] }
    return values[..<end]
  }
}
