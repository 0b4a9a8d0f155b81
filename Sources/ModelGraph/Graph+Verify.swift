import Tensors

extension Graph {
  /// Checks that the graph and its branches are well-formed. Linear in the graph's size.
  ///
  /// The checks: ids are in range and value names unique; each value is defined at most once (as an input, a
  /// constant or a result) and before a node or one of its post-ops reads it; outputs are defined; constants
  /// have the type of their value; nodes have the operands and results that their ops want; branches are
  /// closed and fit their node; the types written into values do not contradict the inferred ones.
  /// - Throws: ``GraphError`` with the first fault found.
  public func verify() throws(GraphError) {
    try verifyStructure(depth: 0)
    let inference = try inferTypes()
    for (value, inferred) in zip(values, inference.types) {
      guard let declared = value.type, let inferred, !declared.agrees(with: inferred) else { continue }
      throw fault("'\(value.name)' is declared as \(declared), but it is \(inferred)")
    }
  }

  private func verifyStructure(depth: Int) throws(GraphError) {
    guard depth <= Self.maximumDepth else {
      throw fault("more than \(Self.maximumDepth) conditionals are nested")
    }
    try verifyNames()
    var isDefined = [Bool](repeating: false, count: values.count)
    func define(_ id: ValueID, _ role: String) throws(GraphError) {
      try verifyRange(id, role)
      guard !isDefined[id.index] else {
        throw fault("'\(values[id.index].name)' is defined twice, also by \(role)")
      }
      isDefined[id.index] = true
    }
    for id in inputs { try define(id, "an input") }
    for (id, constant) in constants {
      try define(id, "a constant")
      if let type = values[id.index].type, !type.agrees(with: constant.type) {
        throw fault(
          "the constant '\(values[id.index].name)' is declared as \(type), but it is \(constant.type)")
      }
    }
    for node in nodes {
      for case let id? in node.operands {
        try verifyRange(id, "an operand of '\(node.name)'")
        guard isDefined[id.index] else {
          throw fault("'\(node.name)' reads '\(values[id.index].name)' before it is defined")
        }
      }
      try verify(node, depth: depth)
      for case let id? in node.outputs { try define(id, "a result of '\(node.name)'") }
    }
    for id in outputs {
      try verifyRange(id, "an output")
      guard isDefined[id.index] else { throw fault("the output '\(values[id.index].name)' is not defined") }
    }
  }

  private func verify(_ node: Node, depth: Int) throws(GraphError) {
    let typing = NodeTyping(
      graph: name, node: node, operands: [Fact?](repeating: nil, count: node.operands.count), depth: depth)
    try typing.checkCounts()
    if !node.postOps.isEmpty, node.outputs.first.flatMap({ $0 }) == nil {
      throw fault("'\(node.name)' has post-ops, but nobody uses its first result")
    }
    if let looping = node.op.looping {
      guard node.postOps.isEmpty else { throw fault("the loop '\(node.name)' has post-ops") }
      try looping.body.verifyStructure(depth: depth + 1)
    }
    guard let conditional = node.op.as(Conditional.self) else { return }
    guard node.postOps.isEmpty else { throw fault("the conditional '\(node.name)' has post-ops") }
    for branch in [conditional.then, conditional.otherwise] {
      guard branch.inputs.count == node.inputs.count - 1, branch.outputs.count == node.outputs.count else {
        throw fault(
          "the branch '\(branch.name)' of '\(node.name)' has \(branch.inputs.count) inputs and "
            + "\(branch.outputs.count) outputs, where \(node.inputs.count - 1) operands are captured and "
            + "\(node.outputs.count) results made")
      }
      try branch.verifyStructure(depth: depth + 1)
    }
  }

  private func verifyNames() throws(GraphError) {
    var names = Set<String>(minimumCapacity: values.count)
    for value in values where !names.insert(value.name).inserted {
      throw fault("two values have the name '\(value.name)'")
    }
  }

  private func verifyRange(_ id: ValueID, _ role: String) throws(GraphError) {
    guard values.indices.contains(id.index) else {
      throw fault("\(role) is value \(id.index), but there are only \(values.count)")
    }
  }

  private func fault(_ detail: String) -> GraphError {
    GraphError(.verification(graph: name, detail: detail))
  }
}

extension ValueType {
  /// Returns true if one value can have both types, as far as they are known.
  public func agrees(with other: ValueType) -> Bool {
    guard elementType == other.elementType else { return false }
    guard let dimensions, let others = other.dimensions else { return true }
    return dimensions.count == others.count
      && zip(dimensions, others).allSatisfy { $0.unified(with: $1) != nil }
  }
}
