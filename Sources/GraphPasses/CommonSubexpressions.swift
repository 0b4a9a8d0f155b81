import ModelGraph
import Tensors

extension Pass {
  /// Keeps one of several nodes that compute the same from the same, and one of several equal small constants.
  public static let commonSubexpressions = Pass(
    name: "common subexpressions", kind: .simplification
  ) { graph, _ in
    let merged = graph.mergeEqualConstants()
    var seen: [Operation: [Int]] = [:]
    return merged
      + Rewriter.rewrite(&graph) { rewriter, index in
        let node = rewriter[index]
        if node.op.is(Conditional.self) { return false }
        let operation = Operation(name: node.op.name, operands: node.operands)
        let candidates = seen[operation, default: []]
        for earlier in candidates where earlier != index && rewriter.merge(index, into: earlier) {
          return true
        }
        if candidates.count < comparedNodes, !candidates.contains(index) {
          seen[operation, default: []].append(index)
        }
        return false
      }
  }

  /// The most nodes with one operation and equal operands that a later one is compared with: their attributes differ, or their
  /// results leave the graph.
  private static let comparedNodes = 32

  /// The part of a node that is quick to hash.
  private struct Operation: Hashable {
    var name: String
    var operands: [ValueID?]
  }
}

extension Rewriter {
  /// Lets everyone read the results of `earlier` in place of those of `later`, when the two compute the same.
  fileprivate mutating func merge(_ later: Int, into earlier: Int) -> Bool {
    let (first, second) = (self[earlier], self[later])
    guard isAlive(earlier), first.inputs == second.inputs, first.op == second.op,
      first.postOps == second.postOps, first.outputs.count == second.outputs.count,
      zip(first.outputs, second.outputs).allSatisfy({ kept, dropped in
        dropped.map { !isRead($0) || (!isGraphOutput($0) && kept != nil) } ?? true
      })
    else { return false }
    for case (let kept?, let dropped?) in zip(first.outputs, second.outputs) { forward(dropped, to: kept) }
    return !isAlive(later)
  }
}

extension Graph {
  /// Bytes up to which equal constants are looked for; larger ones are found by their hash when they become extents.
  private static let comparedBytes = 4 << 10

  /// Lets everyone read one of several equal constants.
  fileprivate mutating func mergeEqualConstants() -> Int {
    struct Key: Hashable {
      var elementType: ElementType
      var shape: Shape
      var bytes: [UInt8]
    }
    var first: [Key: ValueID] = [:]
    let leaving = Set(outputs)
    var replacements: [ValueID: ValueID] = [:]
    for id in constants.keys.sorted() {
      guard let tensor = tensor(id), tensor.byteCount <= Self.comparedBytes, !leaving.contains(id) else {
        continue
      }
      let key = Key(
        elementType: tensor.elementType, shape: tensor.shape, bytes: tensor.withUnsafeBytes { Array($0) })
      if let kept = first[key] { replacements[id] = kept } else { first[key] = id }
    }
    guard !replacements.isEmpty else { return 0 }
    for node in nodes.indices { nodes[node].mapOperands { id, _ in replacements[id] ?? id } }
    for id in replacements.keys { constants[id] = nil }
    return replacements.count
  }
}
