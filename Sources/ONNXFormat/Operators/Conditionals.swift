import ModelGraph

extension OperatorImport {
  /// Branches are closed: what either of them captures becomes an input of both, constants too. Sequences that have the
  /// same length in both are results of the conditional for each element; others are known at run time.
  static func conditional(_ node: NodeImport) throws {
    let protos = [try node.graphAttribute("then_branch"), try node.graphAttribute("else_branch")]
    let captures = try Captures(of: protos, in: node)
    // A branch that is not taken may read an optional that is absent.
    if captures.hasComposites, let condition = node.tensor(try node.operand(0))?.integers,
      condition.count == 1
    {
      return try inline(protos[condition[0] != 0 ? 0 : 1], captures, node)
    }
    let branches = try zip(protos, ["then", "else"]).map { proto, name in
      guard proto.input.isEmpty else { throw node.malformed("has a branch with inputs") }
      guard proto.output.count == node.proto.output.count else {
        throw node.malformed(
          "has \(node.proto.output.count) results, but its \(name) branch gives \(proto.output.count)")
      }
      let branch = captures.subgraph(proto, of: node, name: name)
      return (
        reader: branch, graph: try branch.read(), forms: proto.output.map { branch.composite($0.name) }
      )
    }
    let operands = [try node.operand(0)] + captures.operands.map(\.id)
    let areOptional = protos[0].output.indices.map { index in
      (0..<2).contains { branches[$0].reader.mayBeAbsent(protos[$0].output[index].name) }
    }
    for (branch, proto) in zip(branches, protos) {
      for (output, isOptional) in zip(proto.output, areOptional) where isOptional {
        branch.reader.optionalOutputs.insert(output.name)
      }
    }
    let agree = zip(branches[0].forms, branches[1].forms).allSatisfy(agree)
    // If all are absent, the file says so.
    let isTold = zip(branches[0].forms, areOptional).allSatisfy { form, isOptional in
      if case .absent? = form { true } else { !isOptional }
    }
    guard agree, isTold else {
      return try node.emit(
        .conditional(
          then: try branches[0].reader.materialisingOutputs(),
          otherwise: try branches[1].reader.materialisingOutputs()), operands)
    }
    let op = Op.conditional(then: branches[0].graph, otherwise: branches[1].graph)
    guard branches[0].forms.contains(where: { $0 != nil }) else { return try node.emit(op, operands) }
    try node.emit(op, operands, forms: branches[0].forms)
  }

  /// Reads a branch as nodes of the graph around it.
  private static func inline(_ proto: ONNXGraphProto, _ captures: Captures, _ node: NodeImport) throws {
    guard proto.input.isEmpty, proto.output.count == node.proto.output.count else {
      throw node.malformed("has a branch with inputs, or with other results than the node")
    }
    let branch = captures.subgraph(proto, of: node, name: "branch")
    let graph = try branch.read()
    try node.graph.model.sequenceSizes.add(nodes: graph.nodes.count)
    var constants: [ValueID: ValueID] = [:]
    var made = node.graph.splice(
      graph, arguments: captures.operands.map(\.id), prefix: node.name, constants: &constants)[...]
    for (index, output) in proto.output.enumerated() {
      let form = branch.composite(output.name)
      let count =
        switch form {
        case .absent?: 0
        case .sequence(let elements)?: elements.count
        case nil: 1
        }
      let own = Array(made.prefix(count))
      made = made.dropFirst(count)
      if node.proto.output[index].isEmpty { continue }
      switch form {
      case .absent?: try node.emit(result: index, composite: .absent)
      case .sequence?: try node.emit(result: index, sequence: own)
      case nil: try node.emit(result: index, .identity, own)
      }
    }
  }

  private static func agree(_ a: CompositeValue?, _ b: CompositeValue?) -> Bool {
    switch (a, b) {
    case (nil, nil), (.absent?, .absent?): true
    case (.sequence(let one)?, .sequence(let other)?): one.count == other.count
    default: false
    }
  }
}

extension NodeImport {
  /// Makes the node that gives the file's results, with a result for each element of those that are sequences.
  fileprivate func emit(_ op: Op, _ inputs: [ValueID?], forms: [CompositeValue?]) throws {
    var outputs: [ValueID?] = []
    for (index, (name, form)) in zip(proto.output, forms).enumerated() {
      switch form {
      case nil: outputs.append(name.isEmpty ? nil : graph.value(defining: name))
      case .absent?: if !name.isEmpty { try emit(result: index, composite: .absent) }
      case .sequence(let inner)?:
        let elements = inner.indices.map { graph.value(named: "\(self.name)/\(index)/\($0)") }
        outputs += elements
        if !name.isEmpty { try emit(result: index, sequence: elements) }
      }
    }
    graph.append(Node(name: name, op: op, inputs: inputs, outputs: outputs))
  }
}
