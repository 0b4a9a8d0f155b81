import ModelGraph
import Tensors

/// The import of one graph of a model: the main one, or a branch.
final class GraphImport {
  let model: ModelImport
  private(set) var graph: Graph
  private var inference = IncrementalInference()
  private let proto: ONNXGraphProto
  /// Values by the name they have in the file.
  private var values: [String: ValueID] = [:]
  /// Sequences and absent optionals by the name they have in the file.
  var composites: [String: CompositeValue] = [:]
  /// The contents of sequences without elements and absent optionals, by the name that these have in the file.
  var declared: [String: SequenceContents] = [:]
  /// The sequences that a branch captures, by the names of their elements in ``captured``, and absent optionals.
  var capturedComposites: [String: [String]?] = [:]
  /// The keys of values that are maps, of which the graph has the scores, by the name that these have in the file.
  var mapKeys: [String: ClassLabels] = [:]
  /// The treatment of outputs that are sequences.
  var sequenceOutputs = SequenceOutputs.materialised
  /// Outputs that are optionals even if the file has tensors there: an optional that is there is the value that it holds.
  var optionalOutputs: Set<String> = []
  /// True in the body of a loop, and in branches inside of one.
  var isRepeated = false
  /// Constants that are nodes, because their elements are texts.
  private var stringConstants: Set<ValueID> = []
  /// Every name that is taken, in the file or here.
  private var names: Set<String> = []
  private var nameCounter = 0
  /// The names and types that a branch captures, in the order of its inputs; empty for the main graph.
  private let captured: [(name: String, type: ValueType?)]

  /// The types of inputs that the file leaves untyped, in order: only the inputs of a loop's body may be.
  var untypedInputs: [ValueType?]?

  init(
    _ model: ModelImport, _ proto: ONNXGraphProto, name: String,
    capturing captured: [(name: String, type: ValueType?)] = []
  ) {
    self.model = model
    self.proto = proto
    self.captured = captured
    graph = Graph(name: name)
  }

  func error(_ detail: String) -> ONNXError {
    ONNXError(.graph(path: model.path, graph: graph.name, detail: detail))
  }

  /// The node's name, or one made from its first result or its place; cut where it is longer than anybody would read,
  /// since several names are made of it.
  static func name(of node: ONNXNodeProto, index: Int) -> String {
    let name =
      node.name.isEmpty ? node.output.first { !$0.isEmpty } ?? "\(node.opType)#\(index)" : node.name
    return short(name)
  }

  static func short(_ name: String) -> String {
    name.utf8.count <= 1024 ? name : String(name.unicodeScalars.prefix(1024))
  }

  /// Reads the graph.
  func read() throws -> Graph {
    model.graphDepth += 1
    defer { model.graphDepth -= 1 }
    // A function may be called in a branch, and have branches itself.
    guard model.graphDepth <= WireScanner.maximumGraphDepth else {
      throw error("with functions inlined, subgraphs nest deeper than \(WireScanner.maximumGraphDepth)")
    }
    try checkSpelling()
    names = Set(captured.map(\.name))
    for node in proto.node { names.formUnion(node.output) }
    try readInitializers()
    try readInputs()
    for (name, type) in captured { addInput(name, type) }
    composites = capturedComposites.mapValues { names in
      names.map { .sequence($0.compactMap(value)) } ?? .absent
    }
    names.formUnion(values.keys)
    for index in try orderedNodes(proto.node, available: Set(values.keys).union(composites.keys)) {
      try read(proto.node[index], index: index)
    }
    try readOutputs()
    return graph
  }

  /// Refuses names that are equal to Swift, which compares them as Unicode does, and are not to ONNX, which compares bytes:
  /// one value would be taken for the other.
  private func checkSpelling() throws {
    var spelling = Spelling()
    func check(_ name: String) throws {
      guard spelling.agrees(name) else {
        throw error(
          "two of its names differ in Unicode normalisation alone: '\(shown(name))'; rename one of them")
      }
    }
    for (name, _) in captured { try check(name) }
    for initializer in proto.initializer { try check(initializer.name) }
    for initializer in proto.sparseInitializer { try check(initializer.values.name) }
    for input in proto.input { try check(input.name) }
    for node in proto.node {
      for name in node.input { try check(name) }
      for name in node.output { try check(name) }
    }
    for output in proto.output { try check(output.name) }
  }

  private func readInitializers() throws {
    func check(_ name: String) throws {
      guard !name.isEmpty, values[name] == nil else {
        throw error("it has two constants, or one without a name, called '\(shown(name))'")
      }
    }
    for initializer in proto.initializer {
      try check(initializer.name)
      try define(initializer.name, constant: initializer)
    }
    for initializer in proto.sparseInitializer {
      try check(initializer.values.name)
      try define(initializer.values.name, sparse: initializer)
    }
  }

  /// The inputs that are not constants: a constant that is listed as an input too is a default nobody may override.
  private func readInputs() throws {
    var seen: Set<String> = []
    for input in proto.input {
      guard !input.name.isEmpty, seen.insert(input.name).inserted else {
        throw error("it has two inputs, or one without a name, called '\(shown(input.name))'")
      }
      if let id = values[input.name], graph.constants[id] != nil || stringConstants.contains(id) { continue }
      if input.type.value == nil, let types = untypedInputs {
        addInput(input.name, types.indices.contains(graph.inputs.count) ? types[graph.inputs.count] : nil)
        continue
      }
      if let type = try sequence(input.type, input.name) {
        addInput(input.name, type)
        continue
      }
      guard let tensor = Self.tensor(input.type) else {
        model.note(type: Self.kind(input.type), "an input", input.name)
        values[input.name] = graph.addValue(input.name)
        continue
      }
      addInput(input.name, try type(tensor, "the input '\(shown(input.name))'", input.name))
    }
  }

  private func addInput(_ name: String, _ type: ValueType?) {
    let id = graph.addValue(name, type: type)
    values[name] = id
    graph.inputs.append(id)
    if let type { inference.define(id, as: type) }
  }

  private func readOutputs() throws {
    var seen: Set<String> = []
    for output in proto.output {
      guard isDefined(output.name) else {
        throw error("nothing makes its output '\(shown(output.name))'")
      }
      guard seen.insert(output.name).inserted else {
        throw error("it has two outputs called '\(shown(output.name))'")
      }
      graph.outputs += try outputs(output.name)
    }
    guard !proto.output.isEmpty else { throw error("it has no outputs") }
  }

  /// Returns the graph with all sequences among its outputs as values of the type `.sequence`.
  func materialisingOutputs() throws -> Graph {
    sequenceOutputs = .materialised
    graph.outputs = []
    try readOutputs()
    return graph
  }

  /// The type of an input that is a sequence or an optional; `nil` for others, and for an optional tensor where it does not
  /// matter that it may be absent: then it is one that is given.
  private func sequence(_ proto: ONNXTypeProto, _ name: String) throws -> ValueType? {
    let (tensor, isOptional): (ONNXTypeProto.Tensor, Bool)
    switch proto.value {
    case .sequenceType(let sequence) where sequence.elemType.hasTensorType:
      (tensor, isOptional) = (sequence.elemType.tensorType, false)
    case .optionalType(let optional) where optional.elemType.sequenceType.elemType.hasTensorType:
      (tensor, isOptional) = (optional.elemType.sequenceType.elemType.tensorType, false)
    case .optionalType(let optional) where optional.elemType.hasTensorType && model.asksForPresence:
      (tensor, isOptional) = (optional.elemType.tensorType, true)
    default: return nil
    }
    return ValueType(
      sequence: try contents(tensor, "the input '\(shown(name))'", name, isOptional: isOptional))
  }

  /// The contents of a sequence that is declared to have such elements. Exporters declare scalars where they know no rank.
  func contents(_ tensor: ONNXTypeProto.Tensor, _ role: String, _ name: String, isOptional: Bool = false)
    throws
    -> SequenceContents?
  {
    guard let type = try type(tensor, role, name) else { return nil }
    // Sizes and names hold of each element by itself.
    let dimensions = type.dimensions.flatMap { sizes -> [Dimension]? in
      sizes.isEmpty ? nil : sizes.map { $0.size == nil || isRepeated ? .unknown : $0 }
    }
    return SequenceContents(type.elementType, dimensions, isOptional: isOptional)
  }

  /// The tensor that an input of this type is. An optional tensor is one that is given.
  private static func tensor(_ type: ONNXTypeProto) -> ONNXTypeProto.Tensor? {
    switch type.value {
    case .tensorType(let tensor): tensor
    case .optionalType(let optional):
      optional.elemType.hasTensorType ? optional.elemType.tensorType : nil
    default: nil
    }
  }

  private static func kind(_ type: ONNXTypeProto) -> String {
    switch type.value {
    case .tensorType: "tensor"
    case .sequenceType: "sequence"
    case .mapType: "map"
    case .opaqueType: "opaque"
    case .sparseTensorType: "sparse tensor"
    case .optionalType: "optional"
    case nil: "unknown"
    }
  }

  /// Returns the declared type of an input: 0 and −1, "" and "?" stand for unknown sizes.
  private func type(_ tensor: ONNXTypeProto.Tensor, _ role: String, _ name: String) throws -> ValueType? {
    let elementType: ElementType
    do {
      elementType = try TensorDecoding.elementType(tensor.elemType) { self.error("\(role) \($0)") }
    } catch let unsupported as TensorDecoding.UnsupportedType {
      model.note(type: unsupported.name, "an input", name)
      return nil
    }
    guard tensor.hasShape else { return ValueType(elementType, nil as [Dimension]?) }
    guard tensor.shape.dim.count <= Shape.maximumRank else {
      throw error("\(role) has \(tensor.shape.dim.count) axes; at most \(Shape.maximumRank) are supported")
    }
    return ValueType(
      elementType,
      tensor.shape.dim.map { dimension in
        switch dimension.value {
        case .dimValue(let size) where size > 0: .known(Int(size))
        case .dimParam(let name) where !name.isEmpty && name != "?": .symbol(name)
        default: .unknown
        }
      })
  }
}

extension GraphImport {
  /// Adds the constant that `proto` describes under the file's name `name`.
  func define(_ name: String, constant proto: ONNXTensorProto) throws {
    try define(name) { try model.tensors.tensor(proto, name: name) }
  }

  /// The same of a sparse constant.
  func define(_ name: String, sparse proto: ONNXSparseTensorProto) throws {
    try define(name) { try model.tensors.dense(proto, name: name) }
  }

  private func define(_ name: String, _ tensor: () throws -> Tensor) throws {
    do {
      values[name] = addConstant(try tensor(), name)
    } catch let unsupported as TensorDecoding.UnsupportedType {
      model.note(type: unsupported.name, "a constant", name)
      values[name] = graph.addValue(name)
    }
  }

  /// Adds a constant under the file's name `name`.
  func define(_ name: String, as tensor: Tensor) { values[name] = addConstant(tensor, name) }

  /// Gives a value another name, for nodes that are read.
  func define(_ name: String, as id: ValueID) { values[name] = id }

  /// Adds a constant that the file does not have as one, named after `base`.
  func constant(_ tensor: Tensor, named base: String) -> ValueID { addConstant(tensor, unique(base)) }

  private func addConstant(_ tensor: Tensor, _ name: String) -> ValueID {
    if let texts = tensor.stringBytes {
      let id = graph.addValue(name)
      append(
        Node(
          name: name, op: .strings(StringList(bytesOf: texts), shape: tensor.shape), inputs: [], outputs: [id]
        ))
      stringConstants.insert(id)
      return id
    }
    let id = graph.addConstant(name, tensor)
    inference.define(id, as: tensor)
    return id
  }

  /// Adds a value that the file does not have, named after `base`.
  func value(named base: String) -> ValueID { graph.addValue(unique(base)) }

  /// The value of this name in the file.
  func value(_ name: String) -> ValueID? { values[name] }

  /// Returns true if a tensor, a sequence or an absent optional has this name.
  func isDefined(_ name: String) -> Bool { values[name] != nil || composites[name] != nil }

  /// The elements of a value if all are known integers.
  func integers(of id: ValueID) -> [Int]? { inference.integers(of: id) }

  /// Returns the type of a value as far as it is known.
  func type(of id: ValueID) -> ValueType? { inference[id] }

  /// Adds a node; the values it makes are there already.
  func append(_ node: Node) {
    graph.nodes.append(node)
    // Typing errors are reported once the graph is complete, so that all unsupported operators are found
    // first.
    try? inference.append(node, of: graph)
  }

  /// Adds a value under the file's name `name`.
  func value(defining name: String) -> ValueID {
    let id = graph.addValue(name)
    values[name] = id
    return id
  }

  /// Names that the file may hold already: the counter only grows, so finding free ones is linear over all.
  func unique(_ base: String) -> String {
    var name = base
    while !names.insert(name).inserted {
      nameCounter += 1
      name = "\(base)#\(nameCounter)"
    }
    return name
  }

  private func read(_ proto: ONNXNodeProto, index: Int) throws {
    let name = Self.name(of: proto, index: index)
    if let function = model.functions[proto] { return try inline(function, proto, name: name) }
    try read(proto, name: name)
  }

  /// Reads a node that calls no function of the model.
  func read(_ proto: ONNXNodeProto, name: String) throws {
    if let operatorImport = model.operatorImport(proto, name: name) {
      do {
        let node = try NodeImport(self, proto, name: name)
        try operatorImport.lower(node)
        try node.finish()
        return
      } catch let form as NodeImport.UnsupportedForm { model.note(proto, name, reason: form.reason) }
    }
    // Something to refer to, so that the rest can be read and all that is unsupported is found.
    for output in proto.output where !output.isEmpty && !isDefined(output) {
      _ = value(defining: output)
    }
  }
}
