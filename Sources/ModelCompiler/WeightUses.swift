import Device
import ModelGraph
import Tensors

/// One place where a constant is read by a kernel.
struct WeightUse {
  /// The constant, in the outermost graph.
  var constant: ValueID
  /// The node of the outermost graph that reads it, or that has it read in a branch.
  var node: Int
  /// The index in ``Node/operands``.
  var operand: Int
  /// True when a branch of that node reads it.
  var isNested: Bool
  /// The layout that the kernel would like; `nil`: plain.
  var layout: Layout?
}

/// Finds every use of a weight, in execution order, and asks the device how it would like it packed.
///
/// The layout of weights depends on that of the activation that they meet, so activations are followed through the graph
/// in the layouts that the kernels give them, as they will be when a plan is made.
struct WeightUseScanner {
  let device: any Device
  let model: String
  let budget: Int
  private(set) var uses: [WeightUse] = []
  /// Layouts of the values of the graph that is being scanned; plain where nothing is noted.
  private var layouts: [ValueID: Layout] = [:]

  init(device: any Device, model: String, budget: Int) {
    self.device = device
    self.model = model
    self.budget = budget
  }

  /// Scans `graph`, whose values have the types in `inference`.
  mutating func scan(_ graph: Graph, _ inference: Inference, isWeight: (Tensor) -> Bool) throws {
    var weights: [ValueID: ValueID] = [:]
    for (id, constant) in graph.constants {
      if let tensor = constant.tensor, isWeight(tensor) { weights[id] = id }
    }
    for (index, node) in graph.nodes.enumerated() {
      try scan(node, at: index, in: graph, inference, weights, nested: false, outer: graph)
    }
  }

  private mutating func scan(
    _ node: Node, at index: Int, in graph: Graph, _ inference: Inference, _ weights: [ValueID: ValueID],
    nested: Bool, outer: Graph
  ) throws {
    if let conditional = node.op.as(Conditional.self) {
      for branch in [conditional.then, conditional.otherwise] {
        let captured = Array(node.inputs.dropFirst())
        let types = captured.map { outside in outside.flatMap { inference[$0] } }
        var inner: [ValueID: ValueID] = [:]
        for (outside, inside) in zip(captured, branch.inputs) {
          if let outside, let weight = weights[outside] { inner[inside] = weight }
        }
        // A branch that does not suit the declared shapes may never be taken: its weights stay as they are.
        let branchInference = branch.inferBranchTypes(inputs: types)
        let outside = layouts
        layouts = [:]
        for child in branch.nodes {
          try scan(child, at: index, in: branch, branchInference, inner, nested: true, outer: outer)
        }
        layouts = outside
      }
      return
    }
    let operands = node.operands.enumerated().compactMap { position, id in
      id.flatMap { weights[$0] }.map { (position: position, constant: $0) }
    }
    if node.op.looping != nil {
      // The body is planned when it runs, for the shapes that it has then.
      uses += operands.map {
        WeightUse(constant: $0.constant, node: index, operand: $0.position, isNested: true, layout: nil)
      }
      return
    }
    guard var request = try request(for: node, in: graph, inference, weights, outer: outer),
      request.largestTensor <= budget
    else {
      uses += operands.map {
        WeightUse(constant: $0.constant, node: index, operand: $0.position, isNested: nested, layout: nil)
      }
      return
    }
    let packing = operands.isEmpty ? [] : try device.packing(for: request)
    for (position, constant) in operands {
      let wanted = packing.indices.contains(position) ? packing[position] : nil
      let layout = wanted == .plain ? nil : wanted
      if request.operands.indices.contains(position) { request.operands[position]?.layout = layout ?? .plain }
      uses.append(
        WeightUse(constant: constant, node: index, operand: position, isNested: nested, layout: layout))
    }
    // A kernel that cannot be made at these sizes may exist at others; then the layout of its results is not known.
    guard let kernel = try? device.makeKernel(request) else { return }
    for (output, layout) in zip(node.outputs, kernel.resultLayouts) {
      if let output, layout != .plain { layouts[output] = layout }
    }
  }

  /// The node's kernel as it can be asked for now, weights plain: without post-ops when their operands are too little
  /// known. `nil` when shapes are too little known to ask.
  private func request(
    for node: Node, in graph: Graph, _ inference: Inference, _ weights: [ValueID: ValueID], outer: Graph
  ) throws -> KernelRequest? {
    var operands: [Operand?] = []
    for (position, id) in node.operands.enumerated() {
      guard let id else {
        operands.append(nil)
        continue
      }
      if let weight = weights[id], let tensor = outer.tensor(weight) {
        operands.append(Operand(elementType: tensor.elementType, shape: tensor.shape, source: .weight))
      } else if let tensor = graph.tensor(id) {
        operands.append(Operand(immediate: tensor))
      } else if let type = inference[id], let shape = type.shape {
        operands.append(
          Operand(elementType: type.elementType, shape: shape, layout: layouts[id] ?? .plain))
      } else if position == 0, let weight = node.inputs.dropFirst().first ?? nil,
        let constant = weights[weight],
        let tensor = outer.tensor(constant),
        let sizes = node.op.base.nominalShape(weights: tensor.shape.dims, rank: inference[id]?.rank),
        let shape = try? Shape(checking: sizes)
      {
        operands.append(Operand(elementType: inference[id]?.elementType ?? tensor.elementType, shape: shape))
      } else if position >= node.inputs.count {
        var alone = node
        alone.postOps = []
        return try request(for: alone, in: graph, inference, weights, outer: outer)
      } else {
        return nil
      }
    }
    guard let results = try? resultTypes(of: node, operands: operands, graph: graph.name) else { return nil }
    return KernelRequest(node, model: model, operands: operands, results: results)
  }

  /// The node's result types for these operands, by inference over a graph of that node alone.
  private func resultTypes(
    of node: Node, operands: [Operand?], graph name: String
  ) throws -> [KernelRequest.ResultType?] {
    var graph = Graph(name: name)
    var alone = node
    alone.mapOperands { id, position in
      guard let operand = operands[position] else { return id }
      let type = ValueType(operand.elementType, operand.shape)
      let id = graph.addValue("operand \(position)", type: type)
      if let tensor = operand.immediate {
        graph.constants[id] = .tensor(tensor)
      } else {
        graph.inputs.append(id)
      }
      return id
    }
    let outputs = node.outputs.enumerated().map { position, id in
      id.map { _ in graph.addValue("result \(position)") }
    }
    alone.outputs = outputs
    graph.nodes = [alone]
    graph.outputs = outputs.compactMap { $0 }
    let inference = try graph.inferTypes()
    return outputs.map { id in
      id.flatMap { inference[$0] }.flatMap { type in
        type.shape.map { KernelRequest.ResultType(type.elementType, $0) }
      }
    }
  }
}

extension KernelRequest {
  /// Bytes of the largest operand or result, dense; `Int.max` where they cannot be counted.
  fileprivate var largestTensor: Int {
    let types =
      operands.map { $0.map { ($0.elementType, $0.shape) } }
      + results.map { $0.map { ($0.elementType, $0.shape) } }
    return types.reduce(0) { largest, type in
      guard let (elementType, shape) = type else { return largest }
      return max(largest, elementType.byteCount(of: shape.elementCount) ?? .max)
    }
  }
}
