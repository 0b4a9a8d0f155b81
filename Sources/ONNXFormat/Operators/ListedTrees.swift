import ModelGraph
import Tensors

/// A node of a tree by the numbers that a file gives it.
private struct NodeID: Hashable {
  var tree: Int
  var node: Int
}

extension TreeForest {
  /// Reads the attributes `nodes_…` of `TreeEnsembleRegressor` and `TreeEnsembleClassifier`, and the weights under
  /// `role` (`target` or `class`).
  /// - Returns: the trees, and whether some of their numbers are doubles.
  static func listed(_ node: NodeImport, role: String) throws -> (forest: TreeForest, areDoubles: Bool) {
    node.ignore("nodes_hitrates", "nodes_hitrates_as_tensor")
    var forest = TreeForest()
    let treeIDs = try node.integers("nodes_treeids") ?? []
    let count = treeIDs.count
    guard count > 0 else { throw node.malformed("has no trees") }
    func integers(_ name: String) throws -> [Int] {
      let values = try node.integers(name) ?? []
      try node.check(values.count, name, count)
      return values
    }
    let (nodeIDs, features) = (try integers("nodes_nodeids"), try integers("nodes_featureids"))
    let (trueIDs, falseIDs) = (try integers("nodes_truenodeids"), try integers("nodes_falsenodeids"))
    let missing = try node.integers("nodes_missing_value_tracks_true") ?? []
    if !missing.isEmpty { try node.check(missing.count, "nodes_missing_value_tracks_true", count) }
    let modes = try node.texts("nodes_modes") ?? []
    try node.check(modes.count, "nodes_modes", count)
    let thresholds = try node.numbers("nodes_values")
    try node.check(thresholds?.values.count ?? 0, "nodes_values", count)

    var places: [NodeID: Place] = [:]
    var branchNodes: [Int] = []
    for index in 0..<count {
      var place = Place.leaf(forest.leafCount)
      if modes[index] == "LEAF" {
        forest.leafCount += 1
      } else {
        place = .branch(branchNodes.count)
        branchNodes.append(index)
      }
      guard places.updateValue(place, forKey: NodeID(tree: treeIDs[index], node: nodeIDs[index])) == nil
      else {
        throw node.malformed("has two nodes \(nodeIDs[index]) in the tree \(treeIDs[index])")
      }
    }
    for index in branchNodes {
      func child(_ id: Int) throws -> Place {
        let key = NodeID(tree: treeIDs[index], node: id)
        guard let place = places[key] else {
          throw node.malformed("has no node \(id) in the tree \(treeIDs[index]), to which another one leads")
        }
        return place
      }
      guard let mode = Mode(rawValue: modes[index]) else {
        throw node.malformed("has the mode '\(shown(modes[index]))', which is none")
      }
      forest.branches.append(
        branch(
          mode, feature: features[index], threshold: thresholds?.values[index] ?? 0,
          missingIsTrue: missing.isEmpty ? false : missing[index] != 0, ifTrue: try child(trueIDs[index]),
          ifFalse: try child(falseIDs[index])))
    }
    // A tree's root is its first node.
    var rooted: Set<Int> = []
    for index in 0..<count where rooted.insert(treeIDs[index]).inserted {
      if let root = places[NodeID(tree: treeIDs[index], node: nodeIDs[index])] { forest.roots.append(root) }
    }
    let areDoubles = try forest.readWeights(node, role: role, places)
    return (forest, areDoubles || thresholds?.areDoubles ?? false)
  }

  /// - Returns: true if the weights are doubles.
  private mutating func readWeights(_ node: NodeImport, role: String, _ places: [NodeID: Place]) throws
    -> Bool
  {
    let ids = try node.integers("\(role)_ids") ?? []
    let (trees, nodes) = (
      try node.integers("\(role)_treeids") ?? [], try node.integers("\(role)_nodeids") ?? []
    )
    let numbers = try node.numbers("\(role)_weights")
    try node.check(trees.count, "\(role)_treeids", ids.count)
    try node.check(nodes.count, "\(role)_nodeids", ids.count)
    try node.check(numbers?.values.count ?? 0, "\(role)_weights", ids.count)
    for (index, weight) in (numbers?.values ?? []).enumerated() {
      guard let place = places[NodeID(tree: trees[index], node: nodes[index])] else {
        throw node.malformed(
          "has a weight for the node \(nodes[index]) of the tree \(trees[index]), which it does not have")
      }
      // The weights of a branch are reached by no row.
      guard case .leaf(let leaf) = place else { continue }
      weights.append(Weight(leaf: leaf, target: ids[index], weight: weight))
    }
    return numbers?.areDoubles ?? false
  }
}
