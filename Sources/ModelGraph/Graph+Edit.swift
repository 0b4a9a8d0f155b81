extension Graph {
  /// Lets everyone who reads `old` read `new`, which must be defined before those readers.
  ///
  /// A graph output keeps its name, so where `old` is one, `new` takes its place and its name (the two exchange them).
  /// That cannot be when `new` is itself an input or an output: then the graph goes on giving `old`.
  /// - Returns: whether nothing reads `old` any more.
  @discardableResult
  public mutating func replaceUses(of old: ValueID, with new: ValueID) -> Bool {
    guard old != new else { return false }
    for index in nodes.indices {
      nodes[index].mapOperands { id, _ in id == old ? new : id }
    }
    guard outputs.contains(old) else { return true }
    guard !outputs.contains(new), !inputs.contains(new), !inputs.contains(old) else { return false }
    for index in outputs.indices where outputs[index] == old { outputs[index] = new }
    let name = values[old.index].name
    values[old.index].name = values[new.index].name
    values[new.index].name = name
    return true
  }

  /// Drops nodes whose results nobody uses, and constants that nobody reads, here and in branches. Results that nobody
  /// uses of nodes that stay become `nil` (not those of a conditional: its branches are counted against them).
  ///
  /// Ids stay what they are; ``compact()`` drops the values that this leaves behind.
  public mutating func removeDeadCode() {
    var live = [Bool](repeating: false, count: values.count)
    for id in outputs { live[id.index] = true }
    var kept: [Node] = []
    for var node in nodes.reversed() {
      guard node.outputs.contains(where: { $0.map { live[$0.index] } ?? false }) else { continue }
      if var conditional = node.op.as(Conditional.self) {
        conditional.then.removeDeadCode()
        conditional.otherwise.removeDeadCode()
        node.op = Op(conditional)
      } else if var looping = node.op.looping {
        looping.body.removeDeadCode()
        node.op = Op(looping)
      } else {
        node.outputs = node.outputs.map { id in id.flatMap { live[$0.index] ? $0 : nil } }
      }
      for case let id? in node.operands { live[id.index] = true }
      kept.append(node)
    }
    nodes = kept.reversed()
    constants = constants.filter { live[$0.key.index] }
  }

  /// Drops values that nothing names any more and numbers the rest anew, in their old order.
  /// - Returns: by old index, the new id; `nil` for a value that was dropped.
  @discardableResult
  public mutating func compact() -> [ValueID?] {
    var named = [Bool](repeating: false, count: values.count)
    for id in inputs + outputs { named[id.index] = true }
    for id in constants.keys { named[id.index] = true }
    for node in nodes {
      for case let id? in node.operands { named[id.index] = true }
      for case let id? in node.outputs { named[id.index] = true }
    }
    var renumbered = [ValueID?](repeating: nil, count: values.count)
    var kept: [Value] = []
    for index in values.indices where named[index] {
      renumbered[index] = ValueID(kept.count)
      kept.append(values[index])
    }
    // Every id that is looked up was marked just above, so none is lost.
    func renumber(_ id: ValueID) -> ValueID { renumbered[id.index] ?? id }
    values = kept
    inputs = inputs.map(renumber)
    outputs = outputs.map(renumber)
    constants = Dictionary(uniqueKeysWithValues: constants.map { (renumber($0.key), $0.value) })
    for index in nodes.indices {
      nodes[index].mapOperands { id, _ in renumber(id) }
      nodes[index].outputs = nodes[index].outputs.map { $0.map(renumber) }
    }
    return renumbered
  }

  /// Writes the types that inference found into the values; where it found none, what stood there stays.
  public mutating func annotate(with inference: Inference) {
    for index in values.indices where index < inference.types.count {
      if let type = inference.types[index] { values[index].type = type }
    }
  }
}
