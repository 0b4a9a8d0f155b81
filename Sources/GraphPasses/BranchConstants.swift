import ModelGraph
import Tensors

extension Pass {
  /// Shows branches the constants that they capture, as constants of their own that share the elements, so that the
  /// passes see them. ``hoistBranchConstants`` undoes it.
  public static let sinkBranchConstants = Pass(
    name: "constants into branches", kind: .simplification
  ) { graph, _ in graph.sinkConstants() }

  /// Moves the constants of branches out to the graph around them, as captured operands, but for the smallest: so the
  /// outermost graph owns all weights. Branches in branches come first.
  public static let hoistBranchConstants = Pass(
    name: "constants out of branches", kind: .simplification
  ) { graph, _ in graph.hoistConstants(depth: 0) }
}

extension Graph {
  /// Bytes of a constant that may stay in a branch.
  private static let branchConstantBytes = 64

  fileprivate mutating func sinkConstants() -> Int {
    var changes = 0
    for index in nodes.indices {
      guard var conditional = nodes[index].op.as(Conditional.self) else { continue }
      let captured = Array(nodes[index].inputs.dropFirst())
      guard conditional.then.inputs.count == captured.count,
        conditional.otherwise.inputs.count == captured.count
      else { continue }
      for (position, id) in captured.enumerated().reversed() {
        guard let tensor = tensor(id), !conditional.then.givesInput(position),
          !conditional.otherwise.givesInput(position)
        else { continue }
        nodes[index].inputs.remove(at: position + 1)
        conditional.then.defineInput(position, as: tensor)
        conditional.otherwise.defineInput(position, as: tensor)
        changes += 1
      }
      nodes[index].op = Op(conditional)
    }
    return changes
  }

  /// Returns true if an input is an output, too.
  private func givesInput(_ position: Int) -> Bool { outputs.contains(inputs[position]) }

  /// Makes a constant of an input.
  private mutating func defineInput(_ position: Int, as tensor: Tensor) {
    let id = inputs.remove(at: position)
    constants[id] = .tensor(tensor)
    self[id].type = ValueType(tensor.elementType, tensor.shape)
  }

  fileprivate mutating func hoistConstants(depth: Int) -> Int {
    guard depth < Graph.maximumBranchDepth else { return 0 }
    var changes = 0
    var owned: [ElementsKey: ValueID] = [:]
    var names: Set<String> = []
    for index in nodes.indices {
      guard var conditional = nodes[index].op.as(Conditional.self) else { continue }
      if names.isEmpty {
        names = Set(values.map(\.name))
        for id in constants.keys.sorted() { if let tensor = tensor(id) { owned[ElementsKey(tensor)] = id } }
      }
      changes += conditional.then.hoistConstants(depth: depth + 1)
      changes += conditional.otherwise.hoistConstants(depth: depth + 1)
      for isThen in [true, false] {
        let branch = isThen ? conditional.then : conditional.otherwise
        for id in branch.constants.keys.sorted() {
          guard let tensor = branch.tensor(id), tensor.byteCount > Self.branchConstantBytes else { continue }
          let key = ElementsKey(tensor)
          let outer = owned[key] ?? addConstant(unused(branch[id].name, in: &names), tensor)
          owned[key] = outer
          changes += 1
          if isThen {
            conditional.then.capture(id, outer, nodes[index], other: &conditional.otherwise)
          } else {
            conditional.otherwise.capture(id, outer, nodes[index], other: &conditional.then)
          }
          if conditional.then.inputs.count > nodes[index].inputs.count - 1 {
            nodes[index].inputs.append(outer)
          }
        }
      }
      nodes[index].op = Op(conditional)
    }
    return changes
  }

  /// Makes the constant `id` of this branch an input that captures `outer`, and gives the other branch one beside it.
  private mutating func capture(_ id: ValueID, _ outer: ValueID, _ node: Node, other: inout Graph) {
    constants[id] = nil
    // Captured already: by the other branch, or under another name.
    if let position = node.inputs.dropFirst().firstIndex(of: outer), inputs.indices.contains(position - 1),
      !outputs.contains(id)
    {
      replaceUses(of: id, with: inputs[position - 1])
      return
    }
    inputs.append(id)
    var names = Set(other.values.map(\.name))
    other.inputs.append(other.addValue(unused(self[id].name, in: &names), type: self[id].type))
  }

  private func unused(_ name: String, in names: inout Set<String>) -> String {
    var candidate = name
    var number = 1
    while !names.insert(candidate).inserted {
      number += 1
      candidate = "\(name).\(number)"
    }
    return candidate
  }
}

/// Names the elements of a tensor by where they lie.
private struct ElementsKey: Hashable {
  var address: Int
  var elementType: ElementType
  var shape: Shape

  init(_ tensor: Tensor) {
    address = tensor.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
    elementType = tensor.elementType
    shape = tensor.shape
  }
}
