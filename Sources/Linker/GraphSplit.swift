import Device
import ModelGraph

/// The part of a graph that can be planned now, and what has to wait until data decide its shapes.
///
/// A node waits when the shape of a result does not follow from what is known (a reshape to a computed shape), when the host
/// computes it (`NonZero`, a loop), when it is a conditional whose condition is not known, or when it reads what such a
/// node makes.
package struct GraphSplit {
  /// Indices of the nodes that are planned now, in order.
  package var nodes: [Int]
  package var inputs: [ValueID]
  /// Outputs of the model that are there when these nodes have run.
  package var outputs: [ValueID]
  /// The values made so far that the rest reads.
  package var carried: [ValueID]
  package var continuation: Plan.Continuation?

  package init(_ graph: Graph, _ inference: Inference, model: String) throws(LinkError) {
    inputs = graph.inputs
    nodes = []
    var waiting: [Int] = []
    var late = Set<ValueID>()
    for (index, node) in graph.nodes.enumerated() {
      let readsLate = node.operands.contains { $0.map(late.contains) ?? false }
      if readsLate || GraphSplit.isDataDependent(node, inference) {
        waiting.append(index)
        for case let id? in node.outputs { late.insert(id) }
      } else {
        nodes.append(index)
      }
    }
    outputs = graph.outputs.filter { !late.contains($0) }
    carried = []
    continuation = nil
    if !waiting.isEmpty { try addContinuation(graph, inference, waiting, late, model) }
  }

  private static func isDataDependent(_ node: Node, _ inference: Inference) -> Bool {
    node.op.is(Conditional.self) || type(of: node.op.base).resultSizesDependOnData
      || node.outputs.contains { output in output.map { inference[$0]?.shape == nil } ?? false }
  }

  private mutating func addContinuation(
    _ graph: Graph, _ inference: Inference, _ waiting: [Int], _ late: Set<ValueID>, _ model: String
  ) throws(LinkError) {
    var indices: [ValueID: Int] = [:]
    func carry(_ id: ValueID) -> Int {
      if let index = indices[id] { return index }
      indices[id] = carried.count
      carried.append(id)
      return carried.count - 1
    }
    var decisive = Set<Int>()
    var hostNodes: [(node: Plan.HostNode, results: [ValueID])] = []
    var kept: [Node] = []
    for index in waiting {
      let node = graph.nodes[index]
      let isFirst = !node.operands.contains { $0.map(late.contains) ?? false }
      if isFirst, node.postOps.isEmpty, node.op.onHost != nil || node.op.hostLoop != nil {
        let node = node.withConstantsInBody(of: graph)
        // Constants too: the host reads every operand.
        let operands = node.inputs.map { $0.map(carry) }
        let used = node.outputs.indices.filter { node.outputs[$0] != nil }
        hostNodes.append(
          (
            Plan.HostNode(
              name: node.name, op: node.op, operands: operands, results: used),
            node.outputs.compactMap { $0 }
          ))
        continue
      }
      for case let id? in node.operands where !late.contains(id) && graph.constants[id] == nil {
        _ = carry(id)
      }
      kept.append(node)
      guard isFirst else { continue }
      let before = decisive.count
      for (position, id) in node.inputs.enumerated() {
        guard let id, graph.constants[id] == nil, node.op.signature.decidesShapes(position) else { continue }
        decisive.insert(carry(id))
      }
      if decisive.count == before,
        !node.operands.contains(where: { $0.map { decisive.contains(indices[$0] ?? -1) } ?? false })
      {
        throw LinkError(.unknownShape(model: model, node: node.name, op: node.op.name))
      }
    }
    var rest = Graph(name: graph.name)
    rest.values = graph.values
    rest.constants = graph.constants
    let made = hostNodes.flatMap(\.results)
    rest.inputs = carried + made
    rest.nodes = kept
    rest.outputs = graph.outputs.filter(late.contains)
    for id in rest.inputs { rest[id].type = inference[id] }
    var done = 0
    var remaining = 0
    let order = graph.outputs.map { id -> Plan.Continuation.Output in
      if late.contains(id) {
        defer { remaining += 1 }
        return .rest(remaining)
      }
      defer { done += 1 }
      return .done(done)
    }
    continuation = Plan.Continuation(
      graph: rest, decisive: decisive.sorted(), hostNodes: hostNodes.map(\.node), outputs: order,
      rows: decisive.isEmpty ? RestRows(of: rest, made: made[...]) : nil)
  }
}

extension Node {
  /// A loop whose body has the constants that it captures as constants of its own: kernels of its plans read weights where
  /// they are. Any other node as it is.
  fileprivate func withConstantsInBody(of graph: Graph) -> Node {
    guard var looping = op.looping else { return self }
    var node = self
    for index in inputs.indices.dropFirst(looping.firstCapture).reversed() {
      guard let constant = inputs[index].flatMap({ graph.constants[$0] }) else { continue }
      looping.body.constants[looping.body.inputs.remove(at: index)] = constant
      node.inputs.remove(at: index)
    }
    node.op = Op(looping)
    return node
  }
}
