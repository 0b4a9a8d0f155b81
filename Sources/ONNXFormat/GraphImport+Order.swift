extension GraphImport {
  /// The nodes in an order in which each comes after those whose results it uses: the file's when it is one.
  /// - Throws: when a value is made twice or nowhere, or nodes depend on each other in a circle.
  func orderedNodes(_ nodes: [ONNXNodeProto], available: Set<String>) throws -> [Int] {
    var makers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for name in node.output where !name.isEmpty {
        guard !available.contains(name), makers.updateValue(index, forKey: name) == nil else {
          throw error("the value '\(shown(name))' is made more than once")
        }
      }
    }
    var operands: [[Int]] = []
    var isOrdered = true
    for (index, node) in nodes.enumerated() {
      var sources: [Int] = []
      for name in usedNames(node) {
        if let maker = makers[name] {
          sources.append(maker)
          if maker >= index { isOrdered = false }
        } else if !available.contains(name) {
          throw error(
            "the node '\(shown(Self.name(of: node, index: index)))' (\(shown(node.opType))) uses the value "
              + "'\(shown(name))', which nothing makes")
        }
      }
      operands.append(sources)
    }
    return isOrdered ? Array(nodes.indices) : try sorted(nodes, operands)
  }

  /// Depth first with a stack of its own, so that a long chain of nodes cannot exhaust the thread's.
  private func sorted(_ nodes: [ONNXNodeProto], _ operands: [[Int]]) throws -> [Int] {
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: nodes.count)
    var order: [Int] = []
    for root in nodes.indices where states[root] == .new {
      var stack = [(node: root, next: 0)]
      states[root] = .open
      while let (node, next) = stack.last {
        guard next < operands[node].count else {
          states[node] = .done
          order.append(node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let operand = operands[node][next]
        switch states[operand] {
        case .done: continue
        case .open:
          throw error(
            "the node '\(shown(Self.name(of: nodes[operand], index: operand)))' "
              + "(\(shown(nodes[operand].opType))) depends on its own result")
        case .new:
          states[operand] = .open
          stack.append((operand, 0))
        }
      }
    }
    return order
  }
}
