import ModelGraph

extension GraphImport {
  /// Reads the nodes of the function that `call` calls as nodes of this graph.
  func inline(_ key: Functions.Key, _ call: ONNXNodeProto, name: String) throws {
    func malformed(_ detail: String) -> ONNXError {
      ONNXError(.node(path: model.path, graph: graph.name, node: name, op: call.opType, detail: detail))
    }
    model.count(call)
    guard !model.functions.active.contains(key) else {
      throw malformed("calls a function that calls itself")
    }
    guard model.functions.active.count < Functions.maximumDepth else {
      throw malformed("is more than \(Functions.maximumDepth) calls deep")
    }
    guard let function = try definition(of: key) else { return }
    try check(call, of: function.proto, malformed)
    try grow(by: InlinedSize.ofCall(function.proto), malformed)

    var body = FunctionCall(of: function.proto, by: call) { self.unique("\(name)/\($0)") }
    let opsets = model.opsets
    model.opsets = function.opsets
    model.functions.active.append(key)
    defer {
      model.opsets = opsets
      model.functions.active.removeLast()
    }
    for index in function.order {
      let inner = "\(name)/\(Self.name(of: function.proto.node[index], index: index))"
      var node: ONNXNodeProto
      do { node = try body.node(function.proto.node[index]) } catch {
        throw malformed(
          "has the attribute '\(shown(error.attribute))' of another type than its function expects")
      }
      node.name = Self.short(inner)
      try grow(by: InlinedSize.of(node), malformed)
      if let callee = model.functions[node] {
        try inline(callee, node, name: node.name)
      } else {
        try read(node, name: node.name)
      }
    }
    // A result may be an operand, or another result once more.
    for (formal, result) in zip(function.proto.output, call.output)
    where !result.isEmpty && !isDefined(result) {
      if let composite = composite(body[formal]) {
        composites[result] = composite
        declared[result] = declared[body[formal]]
        continue
      }
      guard let source = value(body[formal]) else {
        throw malformed("calls a function that does not make its result '\(shown(formal))'")
      }
      append(
        Node(name: "\(name)/\(formal)", op: .identity, inputs: [source], outputs: [value(defining: result)]))
    }
  }

  private func grow(by size: Int, _ malformed: (String) -> ONNXError) throws {
    model.functions.size += size
    guard model.functions.size <= Functions.maximumSize else {
      throw malformed(
        "calls a function, and all calls together make the model larger than is supported "
          + "(\(Functions.maximumSize >> 20) MiB of nodes)")
    }
  }

  private func check(_ call: ONNXNodeProto, of proto: ONNXFunctionProto, _ malformed: (String) -> ONNXError)
    throws
  {
    guard call.input.count <= proto.input.count, call.output.count <= proto.output.count else {
      throw malformed(
        "has \(call.input.count) operands and \(call.output.count) results, but its function has "
          + "\(proto.input.count) and \(proto.output.count)")
    }
    let known = Set(proto.attribute + proto.attributeProto.map(\.name))
    var seen: Set<String> = []
    for attribute in call.attribute {
      guard known.contains(attribute.name) else {
        throw malformed("has an attribute '\(shown(attribute.name))', which its function does not have")
      }
      guard seen.insert(attribute.name).inserted else { throw malformed("has an attribute twice") }
    }
  }

  /// The function, checked at its first call.
  private func definition(of key: Functions.Key) throws -> Functions.Definition? {
    if let known = model.functions.definitions[key] { return known }
    guard let proto = model.functions.protos[key] else { return nil }
    let body = GraphImport(model, ONNXGraphProto(), name: "\(key)")
    guard Set(proto.input).count == proto.input.count, !proto.input.contains("") else {
      throw body.error("two of its operands have one name, or one has none")
    }
    try body.checkSpelling(of: proto)
    let opsets = try ModelImport.versions(proto.opsetImport) {
      body.error("it imports the domain '\(shown($0))' twice")
    }
    if let version = opsets[""], !ModelImport.supportedOpsets.contains(version) {
      throw body.error("it uses opset \(version); \(ModelImport.supportedText)")
    }
    let definition = Functions.Definition(
      proto: proto, order: try body.orderedNodes(proto.node, available: Set(proto.input)),
      opsets: model.imports.merging(opsets) { $1 })
    model.functions.definitions[key] = definition
    return definition
  }

  /// As for a graph, and inside subgraphs too, since they are renamed with the rest.
  private func checkSpelling(of proto: ONNXFunctionProto) throws {
    var spelling = Spelling()
    func check(_ names: [String]) throws {
      for name in names where !spelling.agrees(name) {
        throw error(
          "two of its names differ in Unicode normalisation alone: '\(shown(name))'; rename one of them")
      }
    }
    func check(_ nodes: [ONNXNodeProto]) throws {
      for node in nodes {
        try check(node.input)
        try check(node.output)
        for attribute in node.attribute {
          for graph in (attribute.hasG ? [attribute.g] : []) + attribute.graphs {
            try check(graph.input.map(\.name) + graph.output.map(\.name) + graph.initializer.map(\.name))
            try check(graph.sparseInitializer.map(\.values.name))
            try check(graph.node)
          }
        }
      }
    }
    try check(proto.input + proto.output)
    try check(proto.node)
  }
}
