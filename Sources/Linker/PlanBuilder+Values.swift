import Device
import ModelGraph
import ModelStore
import Tensors

/// Locations and layouts of values.
extension PlanBuilder {
  func operand(_ id: ValueID) throws -> Operand {
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

  func resultType(of id: ValueID, node: String) throws -> KernelRequest.ResultType {
    guard let type = inference[id], let shape = type.shape else {
      throw LinkError(.unknownShape(model: model.name, node: node, op: graph[id].name))
    }
    return KernelRequest.ResultType(type.elementType, shape)
  }

  func place(of id: ValueID) throws -> Place {
    if case .weight(let index, _, _)? = graph.constants[id] {
      return Place(home: .weight(index), layout: Layout(descriptor: model.file.weights[index].layout))
    }
    guard let place = places[id] else {
      throw LinkError(.notPlannable(model: model.name, detail: "value '\(graph[id].name)' has no memory"))
    }
    return place
  }

  /// Returns the location of `id` in `layout`, and inserts a reorder if the value is not there in that layout
  /// yet.
  mutating func place(
    of id: ValueID, in layout: Layout, for node: Node, _ operand: Operand
  ) throws -> Place {
    let place = try place(of: id)
    if place.layout == layout { return place }
    if let known = reordered[id]?[layout] {
      if case .value(let value) = known.home { blocks.touch(value, at: drafts.count) }
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
    let bytes = try device.byteCount(of: type.elementType, type.shape, in: layout)
    let copy =
      switch place.home {
      case .value(let original): addValue(bytes, readers: 0, copyOf: original)
      // Nobody counts who reads a weight.
      case .weight: addValue(bytes, readers: 1)
      }
    let result = Place(home: .value(copy), layout: layout)
    try append(request, kernel, operands: [place.home], results: [result.home])
    reordered[id, default: [:]][layout] = result
    blocks.touch(copy, at: drafts.count)
    return result
  }

  /// Makes a value ready to leave the plan in the plain layout, and keeps its memory to the end.
  mutating func leave(_ id: ValueID) throws -> (ValueID, Place?) {
    if graph.tensor(id) != nil { return (id, nil) }
    let node = Node(name: graph[id].name, op: .identity, inputs: [id], outputs: [])
    return (id, try place(of: id, in: .plain, for: node, try operand(id)))
  }
}
