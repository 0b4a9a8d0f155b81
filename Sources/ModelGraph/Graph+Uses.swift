/// The maker and the readers of each value of a graph, at the time this was made.
public struct GraphUses: Sendable {
  /// By value index: the index of the node that makes it; `nil` for inputs, constants and values nobody makes.
  public let producers: [Int?]
  /// By value index: the indices of the nodes that read it, ascending, each once.
  public let consumers: [[Int]]
  /// By value index: how many operands and graph outputs name it.
  public let counts: [Int]
  /// By value index: whether it is an output of the graph.
  public let outputs: [Bool]

  /// The index of the node that makes `id`.
  public func producer(of id: ValueID) -> Int? { producers[id.index] }

  /// The indices of the nodes that read `id`, ascending, each once.
  public func consumers(of id: ValueID) -> [Int] { consumers[id.index] }

  /// Returns true if `id` is an output of the graph.
  public func isOutput(_ id: ValueID) -> Bool { outputs[id.index] }

  /// Returns true if exactly one operand of one node names `id` and `id` is no output of the graph.
  public func isUsedOnce(_ id: ValueID) -> Bool { counts[id.index] == 1 && !outputs[id.index] }

  /// Returns true if anything reads `id`.
  public func isUsed(_ id: ValueID) -> Bool { counts[id.index] > 0 }
}

extension Graph {
  /// The producers and consumers of every value; one walk over the nodes. Ids that are out of range are passed over.
  public func uses() -> GraphUses {
    var producers = [Int?](repeating: nil, count: values.count)
    var consumers = [[Int]](repeating: [], count: values.count)
    var counts = [Int](repeating: 0, count: values.count)
    var isOutput = [Bool](repeating: false, count: values.count)
    for (index, node) in nodes.enumerated() {
      for case let id? in node.operands where values.indices.contains(id.index) {
        counts[id.index] += 1
        if consumers[id.index].last != index { consumers[id.index].append(index) }
      }
      for case let id? in node.outputs where values.indices.contains(id.index) { producers[id.index] = index }
    }
    for id in outputs where values.indices.contains(id.index) {
      counts[id.index] += 1
      isOutput[id.index] = true
    }
    return GraphUses(producers: producers, consumers: consumers, counts: counts, outputs: isOutput)
  }
}
