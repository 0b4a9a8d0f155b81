import Tensors

/// Types the nodes of a graph one after the other, so that who builds one can ask what is known so far.
package struct IncrementalInference {
  /// The facts of each value, by index.
  private(set) var facts: [Fact?]
  /// The number of conditionals around the graph.
  private let depth: Int
  /// The number of elements followed so far: a bound on the memory that a graph of many small values can
  /// take.
  private var followed = 0
  private static let maximumFollowed = 4_000_000

  package init() { self.init(depth: 0, capacity: 0) }

  init(depth: Int, capacity: Int) {
    self.depth = depth
    facts = [Fact?](repeating: nil, count: capacity)
  }

  /// The type of a value as far as it is known.
  package subscript(id: ValueID) -> ValueType? {
    facts.indices.contains(id.index) ? facts[id.index]?.type : nil
  }

  /// The elements of a value if all are known integers.
  package func integers(of id: ValueID) -> [Int]? {
    guard facts.indices.contains(id.index), let elements = facts[id.index]?.cheapElements else { return nil }
    let known = elements.compactMap(\.integer)
    return known.count == elements.count ? known : nil
  }

  /// Says what type an input has.
  package mutating func define(_ id: ValueID, as type: ValueType) { set(id, Fact(type)) }

  /// Says what a constant is.
  package mutating func define(_ id: ValueID, as tensor: Tensor) { set(id, Fact(tensor)) }

  /// Infers the results of `node`; what makes its operands was appended before.
  /// - Throws: ``GraphError`` on what is certainly wrong; the results stay open then.
  package mutating func append(_ node: Node, of graph: Graph) throws(GraphError) {
    var operands: [Fact?] = []
    let ids = node.operands
    operands.reserveCapacity(ids.count)
    for id in ids {
      if let id { try graph.check(id) }
      operands.append(id.flatMap { facts.indices.contains($0.index) ? facts[$0.index] : nil })
    }
    let typing = NodeTyping(graph: graph.name, node: node, operands: operands, depth: depth)
    try typing.checkCounts()
    try typing.checkSequences()
    let results = try typing.afterPostOps(node.op.base.results(typing))
    for (id, fact) in zip(node.outputs, results) {
      guard let id else { continue }
      try graph.check(id)
      if let fact { try graph.checkSizes(fact.type, of: graph[id].name) }
      set(id, fact)
    }
  }

  mutating func set(_ id: ValueID, _ fact: Fact?) {
    if id.index >= facts.count {
      facts.append(contentsOf: repeatElement(nil, count: id.index - facts.count + 1))
    }
    facts[id.index] = fact
    guard let fact, let elements = fact.computedElements else { return }
    followed += elements.count
    if followed > Self.maximumFollowed { facts[id.index] = Fact(fact.type) }
  }
}
