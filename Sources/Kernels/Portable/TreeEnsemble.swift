import Device
import ModelGraph
import Tensors

extension TreeEnsemble: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    switch try request.operand(0).elementType {
    case .float32: try TreeEnsembleProgram<Float>.build(self, request)
    case .float64: try TreeEnsembleProgram<Double>.build(self, request)
    default: nil
    }
  }
}

/// Decision trees: x, slots, roots, and the lists of the leaves' weights if there are more targets than one.
///
/// Reading a model checks its trees. This kernel checks each index again, since a weight may be read from a damaged file.
enum TreeEnsembleProgram<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable> {
  static func build(_ trees: TreeEnsemble, _ request: KernelRequest) throws -> Program? {
    let (x, slots, roots) = (try request.operand(0), try request.operand(1), try request.operand(2))
    try request.requireSameType(0)
    try request.require(x.shape.rank == 2, "the features should have two axes")
    try request.require(
      slots.elementType == .int32 && slots.shape.rank == 2
        && slots.shape.dims[1] == TreeSlots.words(x.elementType)
        && roots.elementType == .int32 && roots.shape.rank == 1, "the tables of the trees have another form")
    let (rows, features) = (x.shape.dims[0], x.shape.dims[1])
    try request.requireResult([rows, trees.targets])
    let lists = try LeafLists(trees, request)
    try request.require(lists != nil || trees.targets == 1, "the leaves' weights are missing")
    let (slotCount, treeCount) = (slots.shape.dims[0], roots.shape.dims[0])
    let errors = request.withoutElements
    return Program(name: "trees") { frame in
      // A slot is words of 32 bits in a row, and places are aligned to 64 bytes.
      let walk = TreeWalk(
        slots: UnsafeRawPointer(try frame.operand(1, as: UInt32.self))
          .assumingMemoryBound(to: TreeSlot<Element>.self), count: slotCount,
        roots: try frame.operand(2, as: UInt32.self), trees: treeCount, features: features,
        depth: trees.depth)
      let (source, target) = (try frame.operand(0, as: Element.self), try frame.result(0, as: Element.self))
      let count = rows &* trees.targets
      let isInside: Bool
      switch trees.aggregation {
      case .sum, .average:
        target.update(repeating: 0, count: count)
        isInside = try gather(walk, source, rows, target, lists, frame) { $0 + $1 }
        if trees.aggregation == .average {
          for index in 0..<count { target[index] /= Element(treeCount) }
        }
      case .minimum, .maximum:
        // NaN stands for a target without weights.
        target.update(repeating: .nan, count: count)
        isInside =
          trees.aggregation == .minimum
          ? try gather(walk, source, rows, target, lists, frame) { $1 >= $0 ? $0 : $1 }
          : try gather(walk, source, rows, target, lists, frame) { $1 <= $0 ? $0 : $1 }
        for index in 0..<count where target[index].isNaN { target[index] = 0 }
      }
      try errors.require(isInside, "its trees read a feature that rows lack, or their tables are damaged")
    }
  }

  /// Combines the weights of every leaf that is reached.
  @inline(__always)
  private static func gather(
    _ walk: TreeWalk<Element>, _ source: UnsafePointer<Element>, _ rows: Int,
    _ target: UnsafeMutablePointer<Element>, _ lists: LeafLists?, _ frame: Frame,
    _ combine: (Element, Element) -> Element
  ) throws -> Bool {
    guard let lists else {
      return walk.forEachLeaf(source, rows: rows) { row, leaf in
        target[row] = combine(target[row], leaf.pointee.threshold)
      }
    }
    let starts = try frame.operand(3, as: Int32.self)
    let targets = try frame.operand(4, as: Int32.self)
    let weights = try frame.operand(5, as: Element.self)
    var isInside = true
    let isWalkInside = walk.forEachLeaf(source, rows: rows) { row, slot in
      let leaf = Int(UnsafeRawPointer(slot).loadUnaligned(as: UInt32.self))
      guard leaf < lists.leaves, starts[leaf] >= 0, starts[leaf] <= starts[leaf &+ 1],
        Int(starts[leaf &+ 1]) <= lists.weights
      else { return isInside = false }
      let line = target + row &* lists.targets
      for index in Int(starts[leaf])..<Int(starts[leaf &+ 1]) {
        let column = Int(targets[index])
        guard column >= 0, column < lists.targets else { return isInside = false }
        line[column] = combine(line[column], weights[index])
      }
    }
    return isInside && isWalkInside
  }
}

/// The sizes of the lists of weights.
private struct LeafLists {
  let leaves: Int
  let weights: Int
  let targets: Int

  /// - Returns: `nil` if the request has no lists.
  init?(_ trees: TreeEnsemble, _ request: KernelRequest) throws {
    guard let starts = request.optionalOperand(3) else { return nil }
    let (targets, weights) = (try request.operand(4), try request.operand(5))
    try request.require(
      [starts, targets, weights].allSatisfy { $0.shape.rank == 1 } && starts.elementType == .int32
        && targets.elementType == .int32 && targets.shape == weights.shape && starts.shape.dims[0] > 0,
      "the lists of weights have another form")
    try request.requireSameType(5)
    leaves = starts.shape.dims[0] - 1
    self.weights = weights.shape.dims[0]
    self.targets = trees.targets
  }
}
