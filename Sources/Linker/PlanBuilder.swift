import Device
import GraphPasses
import ModelGraph
import Tensors

/// Turns a graph whose shapes are known into kernel calls: asks the device for a kernel a node, inserts reorders where
/// layouts differ, lets results take over the memory of operands, and places what is left with ``planMemory(_:alignment:)``.
struct PlanBuilder {
  /// Where a value is while the plan is made.
  private struct Place {
    /// Index into `blocks` (an arena block) or a weight.
    enum Home: Hashable {
      case block(Int)
      case weight(Int)
    }
    var home: Home
    var layout: Layout
  }

  /// A block of the arena, and how many readers its values still have.
  private struct Block {
    var byteCount: Int
    var first: Int
    var last: Int
    var readers: Int
  }

  /// A step whose memory has not been placed yet.
  private struct Draft {
    var name: String
    var kernel: any Kernel
    var threads: [Int]
    var operands: [Place.Home?]
    var results: [Place.Home?]
    var scratch: Int?
  }

  let model: LinkableModel
  let device: any Device
  let threads: [Int]
  private var graph: Graph
  private var inference: Inference
  private var places: [ValueID: Place] = [:]
  private var reordered: [ValueID: [Layout: Place]] = [:]
  private var blocks: [Block] = []
  private var drafts: [Draft] = []
  private var readers: [ValueID: Int] = [:]
  private var warnings: [String] = []
  private var sharing = ThreadSharing()

  init(_ model: LinkableModel, _ specialised: SpecialisedGraph, device: any Device, threads: [Int]) {
    self.model = model
    self.device = device
    self.threads = threads
    graph = specialised.graph
    inference = specialised.inference
  }

  /// Makes the plan of the nodes in `split`.
  mutating func build(_ split: GraphSplit) throws -> Plan {
    for node in split.nodes {
      for case let id? in graph.nodes[node].inputs { readers[id, default: 0] += 1 }
    }
    for id in split.outputs + split.carried { readers[id, default: 0] += 1 }
    var inputs: [(ValueID, KernelRequest.ResultType)] = []
    for id in split.inputs {
      let type = try resultType(of: id, node: "input")
      inputs.append((id, type))
      let bytes = try device.byteCount(of: type.elementType, type.shape, in: .plain)
      places[id] = Place(home: .block(addBlock(bytes, readers: readers[id] ?? 0)), layout: .plain)
    }
    for index in split.nodes { try add(graph.nodes[index]) }
    let outputs = try split.outputs.map { try leave($0) }
    let carried = try split.carried.map { try leave($0) }
    return try finish(split, inputs: inputs, outputs: outputs, carried: carried)
  }

  // MARK: Nodes

  private mutating func add(_ node: Node) throws {
    var operands: [Operand?] = []
    for id in node.inputs { operands.append(try id.map { try operand($0) }) }
    let results = try node.outputs.map { output in try output.map { try resultType(of: $0, node: node.name) }
    }
    if try addEmpty(node, results) { return }
    var request = KernelRequest(
      model: model.name, node: node.name, op: node.op, postOps: node.postOps, operands: operands,
      results: results)
    request.threads = sharing.counts(for: request, of: threads)
    let kernel = try device.makeKernel(request)
    if kernel.isReference {
      warnings.append("node '\(node.name)' (\(node.op.name)) runs on a slow reference kernel of the library")
    }
    if let alias = kernel.aliasedOperand, try addAlias(node, kernel, alias: alias, request) { return }
    var sources: [Place.Home?] = []
    for (index, id) in node.inputs.enumerated() {
      guard let id, let operand = operands[index], operand.immediate == nil else {
        sources.append(nil)
        continue
      }
      sources.append(try place(of: id, in: kernel.operandLayouts[index], for: node, operand).home)
    }
    var targets: [Place.Home?] = []
    for (index, output) in node.outputs.enumerated() {
      guard let output, let result = results[index] else {
        targets.append(nil)
        continue
      }
      let layout = kernel.resultLayouts[index]
      let bytes = try device.byteCount(of: result.elementType, result.shape, in: layout)
      let reused = index == 0 ? reusableBlock(kernel, sources, node: node, bytes: bytes) : nil
      let block = reused ?? addBlock(bytes, readers: 0)
      blocks[block].readers += readers[output] ?? 0
      places[output] = Place(home: .block(block), layout: layout)
      targets.append(.block(block))
    }
    append(request, kernel, operands: sources, results: targets)
    consume(node)
  }

  /// Results without elements need no kernel, which is well: few libraries have one that takes the packed weights of
  /// others. False when there is something to compute.
  private mutating func addEmpty(_ node: Node, _ results: [KernelRequest.ResultType?]) throws -> Bool {
    guard results.allSatisfy({ ($0?.shape.elementCount ?? 0) == 0 }) else { return false }
    for case (let output?, let result?) in zip(node.outputs, results) {
      graph.constants[output] = .tensor(
        try Tensor(elementType: result.elementType, shape: result.shape) { _ in })
    }
    consume(node)
    return true
  }

  /// Makes the result a view of the operand. False when the operand is no memory or would need a reorder first.
  private mutating func addAlias(
    _ node: Node, _ kernel: any Kernel, alias: Int, _ request: KernelRequest
  ) throws -> Bool {
    guard let source = node.inputs[alias], let output = node.outputs.first ?? nil,
      let operand = request.operands[alias], let result = request.results[0]
    else { return false }
    if let tensor = operand.immediate {
      graph.constants[output] = .tensor(try tensor.reshaped(to: result.shape))
      consume(node)
      return true
    }
    var place = try place(of: source, in: kernel.operandLayouts[alias], for: node, operand)
    place.layout = kernel.resultLayouts[0]
    places[output] = place
    if case .block(let block) = place.home { blocks[block].readers += readers[output] ?? 0 }
    consume(node)
    return true
  }

  /// The node has read its operands: their blocks have that many readers less.
  private mutating func consume(_ node: Node) {
    for case let id? in node.inputs {
      if let place = places[id], case .block(let block) = place.home { blocks[block].readers -= 1 }
    }
  }

  /// An operand's block that the first result may take over: nobody reads it after this node, nor twice in it.
  private func reusableBlock(
    _ kernel: any Kernel, _ sources: [Place.Home?], node: Node, bytes: Int
  ) -> Int? {
    for index in kernel.inPlaceOperands where sources.indices.contains(index) {
      guard case .block(let block)? = sources[index], blocks[block].byteCount >= bytes,
        sources.count(where: { $0 == sources[index] }) == 1, let id = node.inputs[index],
        places[id]?.home == .block(block), blocks[block].readers == 1
      else { continue }
      return block
    }
    return nil
  }

  // MARK: Values

  private func operand(_ id: ValueID) throws -> Operand {
    switch graph.constants[id] {
    case .tensor(let tensor)?: return Operand(immediate: tensor)
    case .weight(let index, let elementType, let shape)?:
      guard model.file.weights.indices.contains(index) else {
        throw LinkError(
          .notPlannable(model: model.name, detail: "there is no weight \(index) in \(model.file.path)"))
      }
      let layout = Layout(descriptor: model.file.weights[index].layout)
      guard try device.byteCount(of: elementType, shape, in: layout) <= model.file.weights[index].byteCount
      else {
        throw LinkError(
          .notPlannable(model: model.name, detail: "weight \(index) in \(model.file.path) is cut short"))
      }
      return Operand(elementType: elementType, shape: shape, layout: layout, source: .weight)
    case nil:
      let type = try resultType(of: id, node: graph[id].name)
      guard let place = places[id] else {
        throw LinkError(
          .notPlannable(model: model.name, detail: "value '\(graph[id].name)' is used before it is made"))
      }
      return Operand(
        elementType: type.elementType, shape: type.shape, layout: place.layout, source: .activation)
    }
  }

  private func resultType(of id: ValueID, node: String) throws -> KernelRequest.ResultType {
    guard let type = inference[id], let shape = type.shape else {
      throw LinkError(.unknownShape(model: model.name, node: node, op: graph[id].name))
    }
    return KernelRequest.ResultType(type.elementType, shape)
  }

  private func place(of id: ValueID) throws -> Place {
    if case .weight(let index, _, _)? = graph.constants[id] {
      return Place(home: .weight(index), layout: Layout(descriptor: model.file.weights[index].layout))
    }
    guard let place = places[id] else {
      throw LinkError(.notPlannable(model: model.name, detail: "value '\(graph[id].name)' has no memory"))
    }
    return place
  }

  /// Where `id` is in `layout`: a reorder is inserted when it is not there in that layout yet.
  private mutating func place(
    of id: ValueID, in layout: Layout, for node: Node, _ operand: Operand
  ) throws -> Place {
    let place = try place(of: id)
    if place.layout == layout { return place }
    if let known = reordered[id]?[layout] {
      if case .block(let block) = known.home { blocks[block].last = max(blocks[block].last, drafts.count) }
      return known
    }
    if case .weight = place.home {
      warnings.append("a weight of node '\(node.name)' (\(node.op.name)) is reordered at every run")
    }
    let type = KernelRequest.ResultType(operand.elementType, operand.shape)
    var request = KernelRequest(
      model: model.name, node: "reorder for \(node.name)", op: .identity, operands: [operand], results: [type]
    )
    request.threads = sharing.counts(for: request, of: threads)
    let kernel = try device.makeReorder(request, to: layout)
    let block = addBlock(try device.byteCount(of: type.elementType, type.shape, in: layout), readers: 1)
    let result = Place(home: .block(block), layout: layout)
    append(request, kernel, operands: [place.home], results: [.block(block)])
    reordered[id, default: [:]][layout] = result
    blocks[block].last = drafts.count
    return result
  }

  /// Makes a value ready to leave the plan in the plain layout, and keeps its memory to the end.
  private mutating func leave(_ id: ValueID) throws -> (ValueID, Place?) {
    if graph.tensor(id) != nil { return (id, nil) }
    let node = Node(name: graph[id].name, op: .identity, inputs: [id], outputs: [])
    return (id, try place(of: id, in: .plain, for: node, try operand(id)))
  }

  // MARK: Blocks and steps

  private mutating func addBlock(_ byteCount: Int, readers: Int) -> Int {
    blocks.append(Block(byteCount: byteCount, first: drafts.count, last: drafts.count, readers: readers))
    return blocks.count - 1
  }

  private mutating func append(
    _ request: KernelRequest, _ kernel: any Kernel, operands: [Place.Home?], results: [Place.Home?]
  ) {
    let step = drafts.count
    let threads = kernel.usesThreads ? request.threads : Array(request.threads.prefix(1))
    sharing.runs(request, with: threads)
    var scratch: Int?
    if kernel.scratchBytes > 0 { scratch = addBlock(kernel.scratchBytes, readers: 0) }
    drafts.append(
      Draft(
        name: request.node, kernel: kernel, threads: threads, operands: operands, results: results,
        scratch: scratch))
    for case .block(let block)? in operands + results { blocks[block].last = max(blocks[block].last, step) }
  }

  private func finish(
    _ split: GraphSplit, inputs: [(ValueID, KernelRequest.ResultType)], outputs: [(ValueID, Place?)],
    carried: [(ValueID, Place?)]
  ) throws -> Plan {
    var kept = Set<Int>()
    for case (_, let place?) in outputs + carried {
      if case .block(let block) = place.home { kept.insert(block) }
    }
    let layout = try planMemory(
      blocks.indices.map { index in
        let last = kept.contains(index) ? max(drafts.count, blocks[index].last) : blocks[index].last
        return MemoryInterval(steps: blocks[index].first...last, byteCount: blocks[index].byteCount)
      })
    var extents: [Int] = []
    var slots: [Int: Int] = [:]
    func locate(_ home: Place.Home) -> (Location, extent: Int?) {
      switch home {
      case .block(let block): return (Location(slot: 0, offset: layout.offsets[block]), nil)
      case .weight(let index):
        let weight = model.file.weights[index]
        let slot = slots[weight.extent] ?? extents.count + 1
        return (Location(slot: slot, offset: weight.offset), weight.extent)
      }
    }
    var steps: [Plan.Step] = []
    for draft in drafts {
      var waits: [Int] = []
      func located(_ home: Place.Home?) -> Location? {
        guard let home else { return nil }
        let (location, extent) = locate(home)
        if let extent, slots[extent] == nil {
          waits.append(extents.count)
          extents.append(extent)
          slots[extent] = extents.count
        }
        return location
      }
      let call = KernelCall(
        operands: draft.operands.map(located), results: draft.results.map(located),
        scratch: draft.scratch.map { Location(slot: 0, offset: layout.offsets[$0]) })
      steps.append(
        Plan.Step(
          name: draft.name, kernel: draft.kernel, threads: draft.threads, call: call, waits: waits))
    }
    func port(_ id: ValueID, _ place: Place?) throws -> Plan.Port {
      let type = try resultType(of: id, node: graph[id].name)
      let bytes = type.elementType.byteCount(of: type.shape.elementCount) ?? 0
      let source: Plan.Port.Source
      if let place {
        if case .weight(let index) = place.home, slots[model.file.weights[index].extent] == nil {
          extents.append(model.file.weights[index].extent)
          slots[model.file.weights[index].extent] = extents.count
        }
        source = .memory(locate(place.home).0)
      } else if let tensor = graph.tensor(id) {
        source = .constant(tensor)
      } else {
        throw LinkError(.notPlannable(model: model.name, detail: "output '\(graph[id].name)' has no value"))
      }
      return Plan.Port(
        name: graph[id].name, elementType: type.elementType, shape: type.shape, source: source,
        byteCount: bytes)
    }
    let inputPorts = try inputs.map { try port($0.0, places[$0.0]) }
    let outputPorts = try outputs.map { try port($0.0, $0.1) }
    let carriedPorts = try carried.map { try port($0.0, $0.1) }
    return Plan(
      model: model, steps: steps, extents: extents,
      arenaBytes: roundedToPages(layout.byteCount),
      inputs: inputPorts, outputs: outputPorts, carried: carriedPorts, continuation: split.continuation,
      warnings: warnings)
  }
}
