import ModelGraph
import Tensors

extension GraphImport {
  /// The sequence or absent optional of this name.
  func composite(_ name: String) -> CompositeValue? { composites[name] }

  /// Returns the graph's outputs for an output of the file: one, except for a sequence.
  func outputs(_ name: String) throws -> [ValueID] {
    guard let composite = composites[name] else {
      return value(name).map { [optionalOutputs.contains(name) ? optional($0) : $0] } ?? []
    }
    switch (composite, sequenceOutputs) {
    case (.absent, .flattened): return []
    case (.sequence(let elements), .flattened): return elements
    case (.sequence(let elements), .served) where !elements.isEmpty: return try served(elements, as: name)
    default: return [try materialise(composite, named: name, as: value(defining: name))]
    }
  }

  /// Returns true if the file's value of this name may be an absent optional tensor.
  func mayBeAbsent(_ name: String) -> Bool {
    if case .absent? = composites[name] { return true }
    return value(name).flatMap(type(of:))?.contents?.isOptional ?? false
  }

  /// Returns a tensor as an optional that is there; an optional as it is.
  func optional(_ id: ValueID) -> ValueID {
    guard let type = type(of: id), type.elementType != .sequence else { return id }
    let contents = SequenceContents(type.elementType, nil, isOptional: true)
    return added(.sequenceConstruct(contents), [id], named: "\(graph[id].name)/optional")
  }

  /// Adds the node that makes a sequence or absent optional of the file's name `name` at run time; returns its result.
  func materialised(_ composite: CompositeValue, named name: String) throws -> ValueID {
    try materialise(composite, named: name, as: value(named: name))
  }

  private func materialise(_ composite: CompositeValue, named name: String, as id: ValueID) throws -> ValueID
  {
    var elements: [ValueID] = []
    if case .sequence(let known) = composite { elements = known }
    try model.sequenceSizes.add(elements: elements.count)
    let isAbsent = if case .absent = composite { true } else { false }
    append(
      Node(
        name: graph[id].name, op: .sequenceConstruct(declared[name], isAbsent: isAbsent), inputs: elements,
        outputs: [id]))
    return id
  }

  /// The elements of an output that is a sequence, stacked along a new first axis if they have one shape, and otherwise
  /// each by itself: `NAME.0`, `NAME.1`, ….
  private func served(_ elements: [ValueID], as name: String) throws -> [ValueID] {
    if haveOneShape(elements) {
      let axes = constant(try Tensor([Int64(0)], shape: [1]), named: "\(name)/axes")
      let rows = elements.indices.map { index in
        added(.unsqueeze, [elements[index], axes], named: "\(name)/\(index)")
      }
      let stack = value(defining: name)
      append(Node(name: "\(name)/stack", op: .concat(axis: 0), inputs: rows, outputs: [stack]))
      return [stack]
    }
    return elements.indices.map { added(.identity, [elements[$0]], named: "\(name).\($0)") }
  }

  /// Adds a node and its one result, both named after `base`.
  func added(_ op: Op, _ inputs: [ValueID?], named base: String) -> ValueID {
    let id = value(named: base)
    append(Node(name: graph[id].name, op: op, inputs: inputs, outputs: [id]))
    return id
  }

  private func haveOneShape(_ elements: [ValueID]) -> Bool {
    guard let type = elements.first.flatMap(type(of:)), let dimensions = type.dimensions,
      dimensions.count < Shape.maximumRank, !dimensions.contains(.unknown)
    else { return false }
    return elements.allSatisfy { self.type(of: $0) == type }
  }

  /// Adds the nodes of `part`, which was read as a graph of its own, to this graph.
  /// - Parameters:
  ///   - arguments: the values here of its inputs.
  ///   - prefix: the beginning of the names here of its nodes and values.
  ///   - constants: the values here of its constants, as far as an earlier call added them.
  /// - Returns: the values here of its outputs.
  func splice(
    _ part: Graph, arguments: [ValueID], prefix: String, constants: inout [ValueID: ValueID]
  ) -> [ValueID] {
    for id in part.constants.keys.sorted() where constants[id] == nil {
      if let tensor = part.tensor(id) {
        constants[id] = constant(tensor, named: "\(prefix)/\(part[id].name)")
      }
    }
    var here = constants
    for (inner, outer) in zip(part.inputs, arguments) { here[inner] = outer }
    func mapped(_ id: ValueID) -> ValueID {
      if let known = here[id] { return known }
      let made = value(named: "\(prefix)/\(part[id].name)")
      here[id] = made
      return made
    }
    for var node in part.nodes {
      node.name = "\(prefix)/\(node.name)"
      node.mapOperands { id, _ in mapped(id) }
      node.outputs = node.outputs.map { $0.map(mapped) }
      append(node)
    }
    return part.outputs.map(mapped)
  }
}
