extension Graph {
  /// Replaces the conditional node at `nodeIndex` by the nodes of `branch`, which is one of its branches (or
  /// made from one). Names of the branch that are already in use get a number appended; results of the
  /// conditional keep their names.
  ///
  /// An ``Op/identity`` node stands in if the branch returns one of its inputs or constants, or one value
  /// twice.
  /// - Throws: ``GraphError`` if the node is not a conditional, or if its operands and results are not the
  ///   branch's.
  public mutating func inline(_ branch: Graph, replacing nodeIndex: Int) throws(GraphError) {
    guard nodes.indices.contains(nodeIndex), nodes[nodeIndex].op.is(Conditional.self) else {
      throw GraphError(.verification(graph: name, detail: "node \(nodeIndex) is not a conditional"))
    }
    let conditional = nodes[nodeIndex]
    let arguments = conditional.inputs.dropFirst()
    guard branch.inputs.count == arguments.count, branch.outputs.count == conditional.outputs.count,
      conditional.postOps.isEmpty
    else {
      throw GraphError(
        .verification(
          graph: name,
          detail:
            "'\(conditional.name)' has \(arguments.count) captured operands, \(conditional.outputs.count) "
            + "results and \(conditional.postOps.count) post-ops, which do not fit its branch '\(branch.name)' of "
            + "\(branch.inputs.count) inputs and \(branch.outputs.count) outputs"))
    }
    guard arguments.allSatisfy({ $0 != nil }) else {
      throw GraphError(
        .verification(
          graph: name, detail: "'\(conditional.name)' leaves out an operand that its branches capture"))
    }
    var names = Set(values.map(\.name))
    // By the branch's value index: what it is here.
    var mapped = [ValueID?](repeating: nil, count: branch.values.count)
    for (inner, outer) in zip(branch.inputs, arguments) { mapped[inner.index] = outer }
    let made = Set(branch.nodes.flatMap { $0.outputs.compactMap { $0 } })
    var copies: [(from: ValueID, to: ValueID)] = []
    for (inner, outer) in zip(branch.outputs, conditional.outputs) {
      guard let outer else { continue }
      if made.contains(inner), mapped[inner.index] == nil {
        mapped[inner.index] = outer
      } else {
        copies.append((inner, outer))
      }
    }
    let inputs = Set(branch.inputs)
    for index in branch.values.indices where mapped[index] == nil && !inputs.contains(ValueID(index)) {
      let value = branch.values[index]
      mapped[index] = addValue(Self.unused(value.name, in: &names), type: value.type)
    }
    for (inner, constant) in branch.constants {
      if let id = mapped[inner.index] { constants[id] = constant }
    }
    var body: [Node] = []
    for var node in branch.nodes {
      // Every value of the branch has one here by now.
      node.mapOperands { id, _ in mapped[id.index] ?? id }
      node.outputs = node.outputs.map { id in id.flatMap { mapped[$0.index] } }
      body.append(node)
    }
    for (inner, outer) in copies {
      body.append(
        Node(name: conditional.name, op: .identity, inputs: [mapped[inner.index]], outputs: [outer]))
    }
    nodes.replaceSubrange(nodeIndex...nodeIndex, with: body)
  }

  /// `name`, or the first of `name.1`, `name.2`… that is not in `names`; it is then.
  private static func unused(_ name: String, in names: inout Set<String>) -> String {
    var candidate = name
    var number = 0
    while !names.insert(candidate).inserted {
      number += 1
      candidate = "\(name).\(number)"
    }
    return candidate
  }
}
