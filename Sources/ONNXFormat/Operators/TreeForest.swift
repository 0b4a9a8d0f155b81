import ModelGraph
import Tensors

/// The trees of an ensemble as a file describes them, and the tables that ``TreeEnsemble`` reads.
struct TreeForest {
  /// A branch or a leaf by its index.
  enum Place {
    case branch(Int)
    case leaf(Int)
  }

  struct Branch {
    var feature: Int
    var threshold: Double
    /// The bits of ``TreeSlots`` that say when a row goes to the first child.
    var passes: UInt32
    var first: Place
    var second: Place
  }

  struct Weight {
    var leaf: Int
    var target: Int
    var weight: Double
  }

  var branches: [Branch] = []
  var leafCount = 0
  var roots: [Place] = []
  var weights: [Weight] = []

  /// The comparison that leads to the child for true, by ONNX's name; `nil` for a name that is none.
  enum Mode: String {
    case lessOrEqual = "BRANCH_LEQ"
    case less = "BRANCH_LT"
    case greaterOrEqual = "BRANCH_GTE"
    case greater = "BRANCH_GT"
    case equal = "BRANCH_EQ"
    case notEqual = "BRANCH_NEQ"

    /// The order of the numbers in `TreeEnsemble`.
    static let numbered: [Mode] = [.lessOrEqual, .less, .greaterOrEqual, .greater, .equal, .notEqual]
  }

  /// A branch that compares as `mode` says. Three comparisons are the other three with the children exchanged.
  static func branch(
    _ mode: Mode, feature: Int, threshold: Double, missingIsTrue: Bool, ifTrue: Place, ifFalse: Place
  ) -> Branch {
    let isExchanged = mode == .greater || mode == .greaterOrEqual || mode == .notEqual
    var passes: UInt32 = missingIsTrue != isExchanged ? TreeSlots.nanPasses : 0
    switch mode {
    case .lessOrEqual, .greater: passes |= TreeSlots.lessPasses | TreeSlots.equalPasses
    case .less, .greaterOrEqual: passes |= TreeSlots.lessPasses
    case .equal, .notEqual: passes |= TreeSlots.equalPasses
    }
    return Branch(
      feature: feature, threshold: threshold, passes: passes, first: isExchanged ? ifFalse : ifTrue,
      second: isExchanged ? ifTrue : ifFalse)
  }

  /// The branches that the roots lead to, each before its children, and the most of them on a way to a leaf; `nil` if a way
  /// leads back to itself.
  func ordered() -> (branches: [Int], depth: Int)? {
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: branches.count)
    var heights = [Int](repeating: 0, count: branches.count)
    var finished: [Int] = []
    var stack: [Int] = []
    func height(_ place: Place) -> Int { if case .branch(let index) = place { heights[index] } else { 0 } }
    for case .branch(let root) in roots {
      stack.append(root)
      while let top = stack.last {
        switch states[top] {
        case .new:
          states[top] = .open
          for case .branch(let child) in [branches[top].second, branches[top].first] {
            if states[child] == .open { return nil }
            if states[child] == .new { stack.append(child) }
          }
        case .open:
          states[top] = .done
          heights[top] = max(height(branches[top].first), height(branches[top].second)) + 1
          finished.append(top)
          stack.removeLast()
        case .done: stack.removeLast()
        }
      }
    }
    return (finished.reversed(), roots.reduce(0) { max($0, height($1)) })
  }
}

// MARK: Targets with a weight

extension TreeForest {
  /// The targets for which every row has a weight, because all leaves of one tree have one; empty if a tree leads back to itself.
  func weightedForAllRows() -> Set<Int> {
    guard let order = ordered() else { return [] }
    var leaves = [Set<Int>](repeating: [], count: leafCount)
    for weight in weights { leaves[weight.leaf].insert(weight.target) }
    var found = [Set<Int>](repeating: [], count: branches.count)
    func targets(_ place: Place) -> Set<Int> {
      switch place {
      case .branch(let index): found[index]
      case .leaf(let index): leaves[index]
      }
    }
    for index in order.branches.reversed() {
      found[index] = targets(branches[index].first).intersection(targets(branches[index].second))
    }
    return roots.reduce(into: []) { $0.formUnion(targets($1)) }
  }
}

// MARK: Tables

extension TreeForest {
  /// The operator and its tables.
  struct Tables {
    var op: Op
    var slots: Tensor
    var roots: Tensor
    /// Starts, targets and weights, where a leaf's threshold is not its weight.
    var lists: [Tensor] = []
  }

  /// - Parameter type: `float32` or `float64`, of thresholds and weights.
  /// - Returns: `nil` if a tree leads back to itself, or there are more slots than an index of 32 bits can count.
  func tables(targets: Int, _ aggregation: TreeAggregation, _ type: ElementType) throws -> Tables? {
    guard let order = ordered() else { return nil }
    let count = roots.count + 2 * order.branches.count
    guard count <= Int(Int32.max), leafCount < Int(Int32.max), weights.count <= Int(Int32.max) else {
      return nil
    }
    let lists = ListedWeights(self)
    let single = targets == 1 ? lists.single(aggregation) : nil
    var pairs = [Int](repeating: 0, count: branches.count)
    for (place, branch) in order.branches.enumerated() { pairs[branch] = roots.count + 2 * place }
    let words = TreeSlots.words(type)
    let slots = try Tensor(elementType: .int32, shape: Shape(checking: [count, words])) { memory in
      func write(_ place: Place, at slot: Int) {
        let offset = slot * words * 4
        var (threshold, split, next) = (0.0, UInt32(0), slot)
        switch place {
        case .branch(let index):
          let branch = branches[index]
          threshold = branch.threshold
          split =
            UInt32(branch.feature) << TreeSlots.featureShift | branch.passes | TreeSlots.isBranch
          next = pairs[index]
        case .leaf(let index):
          if let single { threshold = single[index] }
        }
        if type == .float64 {
          memory.storeBytes(of: threshold, toByteOffset: offset, as: Double.self)
        } else {
          memory.storeBytes(of: Float(threshold), toByteOffset: offset, as: Float.self)
        }
        if single == nil, case .leaf(let index) = place {
          memory.storeBytes(of: UInt32(index), toByteOffset: offset, as: UInt32.self)
        }
        memory.storeBytes(of: split, toByteOffset: offset + (words - 2) * 4, as: UInt32.self)
        memory.storeBytes(of: UInt32(next), toByteOffset: offset + (words - 1) * 4, as: UInt32.self)
      }
      for (slot, root) in roots.enumerated() { write(root, at: slot) }
      for branch in order.branches {
        write(branches[branch].first, at: pairs[branch])
        write(branches[branch].second, at: pairs[branch] + 1)
      }
    }
    return Tables(
      op: .trees(targets: targets, aggregation: aggregation, depth: order.depth), slots: slots,
      roots: try Tensor(roots.indices.map { Int32($0) }, shape: Shape(checking: [roots.count])),
      lists: single == nil ? try lists.tensors(type) : [])
  }
}

/// The weights of all leaves, those of a leaf one behind the other.
private struct ListedWeights {
  private var starts: [Int]
  private var weights: [TreeForest.Weight]

  init(_ forest: TreeForest) {
    var starts = [Int](repeating: 0, count: forest.leafCount + 1)
    for weight in forest.weights { starts[weight.leaf + 1] += 1 }
    for leaf in 0..<forest.leafCount { starts[leaf + 1] += starts[leaf] }
    var places = starts
    var weights = forest.weights
    for weight in forest.weights {
      weights[places[weight.leaf]] = weight
      places[weight.leaf] += 1
    }
    (self.starts, self.weights) = (starts, weights)
  }

  /// The weight of each leaf; `nil` if one has several, or none and a sum would not be the same with 0.
  func single(_ aggregation: TreeAggregation) -> [Double]? {
    let isSum = aggregation == .sum || aggregation == .average
    var result: [Double] = []
    for leaf in starts.indices.dropLast() {
      let count = starts[leaf + 1] - starts[leaf]
      guard count == 1 || count == 0 && isSum else { return nil }
      result.append(count == 1 ? weights[starts[leaf]].weight : 0)
    }
    return result
  }

  func tensors(_ type: ElementType) throws -> [Tensor] {
    let shape = try Shape(checking: [weights.count])
    let values =
      type == .float64
      ? try Tensor(weights.map(\.weight), shape: shape)
      : try Tensor(weights.map { Float($0.weight) }, shape: shape)
    return [
      try Tensor(starts.map { Int32($0) }, shape: Shape(checking: [starts.count])),
      try Tensor(weights.map { Int32($0.target) }, shape: shape), values,
    ]
  }
}
