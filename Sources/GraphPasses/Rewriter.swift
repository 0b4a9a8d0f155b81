import ModelGraph
import Tensors

/// A graph under rewriting: who makes and who reads each value, kept right through every edit.
///
/// A pattern is matched at its last node and replaced there. All operands of the replacement then stand before it, so
/// the order of the nodes stays topological; nodes that nobody reads any more disappear by themselves, and with them
/// nothing that is a graph output or has another reader.
struct Rewriter {
  private(set) var graph: Graph
  /// By value index: the index of the node that makes it; −1 for none.
  private var makers: [Int]
  /// By value index: the number of operands that read it.
  private var readCounts: [Int]
  /// By value index: all nodes that ever read it. Those that read it no more are passed over, for taking one out of many
  /// thousands would take long.
  private var readers: [[Int]]
  private var isOutput: [Bool]
  private var isDead: [Bool]
  /// By node index: the node that it stands before, for nodes that were put in; its own index for the others.
  private var places: [Int]
  private var names: Set<String> = []

  init(_ graph: Graph) {
    self.graph = graph
    makers = [Int](repeating: -1, count: graph.values.count)
    readCounts = [Int](repeating: 0, count: graph.values.count)
    readers = [[Int]](repeating: [], count: graph.values.count)
    isOutput = [Bool](repeating: false, count: graph.values.count)
    isDead = [Bool](repeating: false, count: graph.nodes.count)
    places = Array(graph.nodes.indices)
    for (index, node) in graph.nodes.enumerated() { link(node, at: index) }
    for id in graph.outputs { isOutput[id.index] = true }
  }

  /// Visits every node in order; a node that `visit` changed is visited again.
  /// - Parameter visit: looks at the node of an index, and says whether it changed anything.
  /// - Returns: the number of changes.
  static func rewrite(_ graph: inout Graph, _ visit: (inout Rewriter, Int) throws -> Bool) rethrows -> Int {
    var rewriter = Rewriter(graph)
    var changes = 0
    for index in graph.nodes.indices {
      // Each change takes a node away or brings one to a normal form, so few repeat; the bound is for safety.
      for _ in 0..<64 {
        guard !rewriter.isDead[index], try visit(&rewriter, index) else { break }
        changes += 1
      }
    }
    if changes > 0 { graph = rewriter.finished }
    return changes
  }

  /// The graph as it is now.
  var finished: Graph {
    var graph = graph
    var order = graph.nodes.indices.filter { !isDead[$0] }
    // Nodes that were put in have the higher indices, and come before the node whose place they share.
    order.sort { (places[$0], -$0) < (places[$1], -$1) }
    graph.nodes = order.map { graph.nodes[$0] }
    return graph
  }

  // MARK: Looking

  subscript(index: Int) -> Node { graph.nodes[index] }

  /// Returns true if the node at `index` has not been removed.
  func isAlive(_ index: Int) -> Bool { !isDead[index] }

  /// The node that makes `id`, and its index.
  func maker(of id: ValueID?) -> (index: Int, node: Node)? {
    guard let id, makers[id.index] >= 0 else { return nil }
    return (makers[id.index], graph.nodes[makers[id.index]])
  }

  /// Returns true if exactly one operand of one node reads `id` and `id` is no output of the graph.
  func isReadOnce(_ id: ValueID) -> Bool { readCounts[id.index] == 1 && !isOutput[id.index] }

  /// The nodes that read `id`, with the index in ``Node/operands``.
  func uses(of id: ValueID) -> [(index: Int, operand: Int)] {
    Set(readers[id.index]).sorted().filter { !isDead[$0] }.flatMap { index in
      graph.nodes[index].operands.enumerated().filter { $0.element == id }.map { (index, $0.offset) }
    }
  }

  /// Returns true if a node reads `id` or `id` is an output of the graph.
  func isRead(_ id: ValueID) -> Bool { readCounts[id.index] > 0 || isOutput[id.index] }

  /// Returns true if `id` is an output of the graph.
  func isGraphOutput(_ id: ValueID) -> Bool { isOutput[id.index] }

  /// The elements of `id` when it is a constant whose elements are at hand.
  func tensor(_ id: ValueID?) -> Tensor? { graph.tensor(id) }

  /// Returns the known type of `id`.
  func type(_ id: ValueID?) -> ValueType? {
    guard let id else { return nil }
    return graph.constants[id]?.type ?? graph[id].type
  }

  // MARK: Editing

  /// Puts `node` in the place of the node at `index`. Its operands must be defined before that place.
  mutating func replace(_ index: Int, with node: Node) {
    let old = graph.nodes[index]
    unlink(old, at: index)
    graph.nodes[index] = node
    link(node, at: index)
    prune(old.operands.compactMap { $0 })
  }

  /// Puts a node before the node at `index`: after its operands are defined, and before its results are read.
  mutating func insert(_ node: Node, before index: Int) {
    graph.nodes.append(node)
    isDead.append(false)
    places.append(index)
    link(node, at: graph.nodes.count - 1)
  }

  /// Lets everyone who reads `old` read `new`, which is defined before them; graph outputs stay what they are.
  mutating func forward(_ old: ValueID, to new: ValueID) {
    for index in readers[old.index] where !isDead[index] {
      let reads = graph.nodes[index].operands.count { $0 == old }
      guard reads > 0 else { continue }
      graph.nodes[index].mapOperands { id, _ in id == old ? new : id }
      for _ in 0..<reads { addReader(index, of: new) }
    }
    readers[old.index] = []
    readCounts[old.index] = 0
    prune([old])
  }

  /// Removes the node at `index`, whose only result equals the value `source`.
  ///
  /// If its result is a graph output, the node that makes `source` makes that output in its place.
  /// - Returns: false, with nothing changed, if a graph output would lose its name or its maker.
  mutating func dissolve(_ index: Int, into source: ValueID) -> Bool {
    guard case let results = graph.nodes[index].outputs.compactMap({ $0 }), results.count == 1,
      let result = results.first, result != source
    else { return false }
    guard isOutput[result.index] else {
      forward(result, to: source)
      return true
    }
    guard !isOutput[source.index], let (maker, node) = maker(of: source) else { return false }
    unlink(graph.nodes[index], at: index)
    isDead[index] = true
    var renamed = node
    renamed.outputs = node.outputs.map { $0 == source ? result : $0 }
    if graph[result].type == nil { graph[result].type = graph[source].type }
    unlink(node, at: maker)
    graph.nodes[maker] = renamed
    link(renamed, at: maker)
    forward(source, to: result)
    return true
  }

  /// Makes the results of the node at `index` constants. Results that are graph outputs must not be among them.
  mutating func define(_ index: Int, as tensors: [(ValueID, Tensor)]) {
    var node = graph.nodes[index]
    for (id, tensor) in tensors {
      graph.constants[id] = .tensor(tensor)
      graph[id].type = ValueType(tensor.elementType, tensor.shape)
      makers[id.index] = -1
      node.outputs = node.outputs.map { $0 == id ? nil : $0 }
    }
    graph.nodes[index] = node
    if !node.outputs.contains(where: { $0.map(isRead) ?? false }) {
      isDead[index] = true
      unlink(node, at: index)
      prune(node.operands.compactMap { $0 })
    }
  }

  /// Says anew what type the values under `id` have, when its maker changes.
  mutating func retype(_ id: ValueID, as type: ValueType?) { graph[id].type = type }

  /// Adds a constant under a name that is not taken yet.
  mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
    let id = addValue(name, type: ValueType(tensor.elementType, tensor.shape))
    graph.constants[id] = .tensor(tensor)
    return id
  }

  /// Adds a value under a name that is not taken yet.
  mutating func addValue(_ name: String, type: ValueType?) -> ValueID {
    if names.isEmpty { names = Set(graph.values.map(\.name)) }
    var candidate = name
    var number = 1
    while !names.insert(candidate).inserted {
      number += 1
      candidate = "\(name).\(number)"
    }
    makers.append(-1)
    readCounts.append(0)
    readers.append([])
    isOutput.append(false)
    return graph.addValue(candidate, type: type)
  }

  // MARK: Bookkeeping

  private mutating func link(_ node: Node, at index: Int) {
    for case let id? in node.operands { addReader(index, of: id) }
    for case let id? in node.outputs { makers[id.index] = index }
  }

  private mutating func addReader(_ index: Int, of id: ValueID) {
    readCounts[id.index] += 1
    readers[id.index].append(index)
  }

  private mutating func unlink(_ node: Node, at index: Int) {
    for case let id? in node.operands { readCounts[id.index] -= 1 }
    for case let id? in node.outputs where makers[id.index] == index { makers[id.index] = -1 }
  }

  /// Drops the makers of `ids` that nobody reads, and what only they read.
  private mutating func prune(_ ids: [ValueID]) {
    var candidates = ids
    while let id = candidates.popLast() {
      let maker = makers[id.index]
      guard maker >= 0, !isDead[maker],
        !graph.nodes[maker].outputs.contains(where: { $0.map(isRead) ?? false })
      else { continue }
      isDead[maker] = true
      unlink(graph.nodes[maker], at: maker)
      candidates += graph.nodes[maker].operands.compactMap { $0 }
    }
  }
}
