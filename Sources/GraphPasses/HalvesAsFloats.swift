import ModelGraph
import Tensors

extension Pass {
  /// Computes with floats what a model computes with halves (`float16`, `bfloat16`), and rounds where a half is read, stored or
  /// given back: kernels are for floats, and each rounding between them would cost a pass over the numbers and a digit.
  public static let halvesAsFloats = Pass(name: "halves as floats", kind: .simplification) { graph, _ in
    guard graph.nodes.allSatisfy(\.postOps.isEmpty) else { return 0 }
    graph.annotate(with: try graph.inferTypes())
    var widening = HalfWidening(graph)
    return widening.apply(to: &graph)
  }
}

/// The nodes of a graph, rewritten from the first to the last.
private struct HalfWidening {
  private var graph: Graph
  private var nodes: [Node] = []
  private var names: Set<String>
  /// By half: the same number as a float.
  private var floats: [ValueID: ValueID] = [:]
  /// The halves that no node makes yet: their floats are computed.
  private var pending: Set<ValueID> = []

  init(_ graph: Graph) {
    self.graph = graph
    names = Set(graph.values.map(\.name))
  }

  /// - Returns: the number of nodes that compute with floats now.
  mutating func apply(to result: inout Graph) -> Int {
    var changes = 0
    for node in graph.nodes {
      if let float = computed(node) {
        let result = node.outputs[0]
        if let result, isHalf(result) {
          floats[result] = float
          pending.insert(result)
        } else {
          nodes.append(Node(name: node.name, op: .identity, inputs: [float], outputs: [result]))
        }
      } else if isWidened(node) {
        widen(node)
        changes += 1
      } else {
        node.inputs.forEach { round($0) }
        nodes.append(node)
      }
    }
    guard changes > 0 else { return 0 }
    graph.outputs.forEach { round($0) }
    graph.nodes = nodes
    result = graph
    return changes
  }

  private func isHalf(_ id: ValueID?) -> Bool {
    guard let id, let type = graph[id].type?.elementType else { return false }
    return type == .float16 || type == .bfloat16
  }

  /// The halves among the data operands of a node.
  private func halves(of node: Node) -> [ValueID] {
    node.inputs.enumerated().compactMap { index, id in
      !node.op.signature.decidesShapes(index) && isHalf(id) ? id : nil
    }
  }

  /// The float that a cast of a computed half gives: to a float, or to the type that it has.
  private func computed(_ node: Node) -> ValueID? {
    guard let cast = node.op.as(Cast.self), let id = node.inputs[0], pending.contains(id),
      cast.target == .float32 || cast.target == graph[id].type?.elementType
    else { return nil }
    return floats[id]
  }

  private func isWidened(_ node: Node) -> Bool {
    let halves = halves(of: node)
    switch node.op.reals {
    case .asGiven: return false
    case .computed: return !halves.isEmpty
    case .moved:
      // Halves that are stored are moved as they are: floats would be twice the bytes.
      return halves.contains { pending.contains($0) }
        && halves.allSatisfy { pending.contains($0) || graph.constants[$0] != nil || isSmall($0) }
    }
  }

  private func isSmall(_ id: ValueID) -> Bool {
    graph[id].type?.shape.map { $0.elementCount <= HalfWidening.small } ?? false
  }

  /// The elements that are converted wherever a float is wanted.
  private static let small = 256

  private mutating func widen(_ node: Node) {
    var wide = node
    for (index, id) in node.inputs.enumerated() {
      guard let id, isHalf(id) else { continue }
      if node.op.signature.decidesShapes(index) {
        round(id)
      } else {
        wide.inputs[index] = float(id)
      }
    }
    wide.outputs = node.outputs.map { id in
      guard let id, isHalf(id) else { return id }
      let float = added(id)
      floats[id] = float
      pending.insert(id)
      return float
    }
    nodes.append(wide)
  }

  /// The float of a half.
  private mutating func float(_ id: ValueID) -> ValueID {
    if let known = floats[id] { return known }
    let float = added(id)
    floats[id] = float
    if let tensor = graph.tensor(id), let numbers = tensor.floats,
      let wide = try? Tensor(numbers, shape: tensor.shape)
    {
      graph.constants[float] = .tensor(wide)
      return float
    }
    nodes.append(Node(name: graph[float].name, op: .cast(.float32), inputs: [id], outputs: [float]))
    return float
  }

  /// Makes a half of its float if no node does yet.
  private mutating func round(_ id: ValueID?) {
    guard let id, pending.remove(id) != nil, let float = floats[id], let type = graph[id].type?.elementType
    else { return }
    nodes.append(Node(name: "\(graph[id].name).half", op: .cast(type), inputs: [float], outputs: [id]))
  }

  private mutating func added(_ half: ValueID) -> ValueID {
    var name = graph[half].name + ".float"
    while !names.insert(name).inserted { name += "." }
    return graph.addValue(name, type: ValueType(.float32, graph[half].type?.dimensions))
  }
}
