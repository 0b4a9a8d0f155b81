import Tensors

/// ONNX `If`: condition, then what either branch captures. Both branches have the same inputs, in that order.
package struct Conditional: Operator {
  package static let name = "if"
  package static let signature = Signature(.shape("condition"), isVariadic: true, results: 0...Int.max)
  package static let family = OperatorFamily.control
  package static let takesSequences = true

  package var then: Graph
  package var otherwise: Graph

  package static var coding: Coding<Self> { .nested(Self.init, \.then, \.otherwise) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("then", "'\(then.name)'"), PrintedAttribute("else", "'\(otherwise.name)'")]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    try node.conditional(then: then, otherwise: otherwise)
  }
}

extension Op {
  package static func conditional(then: Graph, otherwise: Graph) -> Op {
    Op(Conditional(then: then, otherwise: otherwise))
  }
}

extension NodeTyping {
  /// Returns the results of the branch taken, if the condition is known, and otherwise the facts on which
  /// both branches agree.
  ///
  /// A branch that cannot be typed may never be taken: a model that serves two sampling rates has one that
  /// does not fit the other's input. So it is an error only if it is certainly taken.
  fileprivate func conditional(then: Graph, otherwise: Graph) throws(GraphError) -> [Fact?] {
    if let type = type(0) {
      guard type.elementType == .bool else { throw failure("its condition is \(type.elementType), not bool") }
      if let count = type.shape?.elementCount, count != 1 {
        throw failure("its condition has \(count) elements")
      }
    }
    for branch in [then, otherwise] {
      guard branch.inputs.count == operands.count - 1, branch.outputs.count == node.outputs.count else {
        throw failure(
          "its branch '\(branch.name)' has \(branch.inputs.count) inputs and \(branch.outputs.count) outputs, where "
            + "\(operands.count - 1) operands are captured and \(node.outputs.count) results made")
      }
    }
    switch self[0]?.scalar?.truth {
    case true?: return try results(of: then)
    case false?: return try results(of: otherwise)
    case nil: break
    }
    let first = attempt(then)
    let second = attempt(otherwise)
    switch (first, second) {
    case (.success(let a), .success(let b)): return try joined(a, b)
    case (.success(let results), .failure), (.failure, .success(let results)): return results
    case (.failure(let error), .failure): throw error
    }
  }

  private func attempt(_ branch: Graph) -> Result<[Fact?], GraphError> {
    do throws(GraphError) { return .success(try results(of: branch)) } catch { return .failure(error) }
  }

  private func results(of branch: Graph) throws(GraphError) -> [Fact?] {
    let arguments = zip(branch.inputs, 1..<operands.count + 1).map { id, operand in
      operands[operand] ?? branch.values[id.index].type.map { Fact($0) }
    }
    let facts = try branch.inferFacts(arguments, depth: depth + 1)
    var results: [Fact?] = []
    for id in branch.outputs {
      guard facts.indices.contains(id.index) else {
        throw failure("an output of '\(branch.name)' is not in it")
      }
      results.append(facts[id.index])
    }
    return results
  }

  private func joined(_ a: [Fact?], _ b: [Fact?]) throws(GraphError) -> [Fact?] {
    var results: [Fact?] = []
    for (left, right) in zip(a, b) {
      guard let left, let right else {
        results.append((left ?? right).map { Fact($0.type.open) })
        continue
      }
      guard left.type.elementType == right.type.elementType else {
        throw failure("its branches make a \(left.type) and a \(right.type)")
      }
      results.append(left.joined(with: right))
    }
    return results
  }
}
