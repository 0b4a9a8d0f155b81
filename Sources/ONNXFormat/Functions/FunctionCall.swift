/// One call of a function: makes the nodes of the function's body those of the caller. Names of the function become names
/// of the caller, and attributes that refer to the function's get the values of the call.
struct FunctionCall {
  /// The caller's names of the function's values, then of those that each subgraph around the node at hand has itself.
  private var names: [[String: String]]
  private let given: [String: ONNXAttributeProto]
  private let unique: (String) -> String

  /// An attribute of the call has another type than the function's body expects.
  struct WrongType: Error { var attribute: String }

  /// - Parameters:
  ///   - call: a call that fits the function: ``GraphImport/inline(_:_:name:)`` checks that.
  ///   - unique: returns a name that the caller does not have, for a name of the function.
  init(of proto: ONNXFunctionProto, by call: ONNXNodeProto, unique: @escaping (String) -> String) {
    var names: [String: String] = [:]
    for (index, name) in proto.input.enumerated() {
      names[name] = call.input.indices.contains(index) ? call.input[index] : ""
    }
    for (name, result) in zip(proto.output, call.output) where !result.isEmpty && names[name] == nil {
      names[name] = result
    }
    for name in proto.node.flatMap(\.output) where !name.isEmpty && names[name] == nil {
      names[name] = unique(name)
    }
    self.names = [names]
    self.unique = unique
    given = Dictionary(
      (proto.attributeProto + call.attribute).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  /// The caller's name of a value of the function; empty for an operand that is left out.
  subscript(name: String) -> String {
    if name.isEmpty { return name }
    for scope in names.reversed() {
      if let known = scope[name] { return known }
    }
    return name
  }

  /// A node of the body, with the caller's names and the call's attributes.
  mutating func node(_ proto: ONNXNodeProto) throws(WrongType) -> ONNXNodeProto {
    var node = proto
    node.input = proto.input.map { self[$0] }
    node.output = proto.output.map { self[$0] }
    node.attribute = []
    for attribute in proto.attribute {
      if let attribute = try self.attribute(attribute) { node.attribute.append(attribute) }
    }
    return node
  }

  /// `nil` for an attribute whose value would be that of an attribute which the call leaves out.
  private mutating func attribute(_ proto: ONNXAttributeProto) throws(WrongType) -> ONNXAttributeProto? {
    var attribute = proto
    guard proto.refAttrName.isEmpty else {
      guard let value = given[proto.refAttrName] else { return nil }
      guard proto.type == .undefined || proto.type == value.type else {
        throw WrongType(attribute: proto.refAttrName)
      }
      attribute = value
      attribute.name = proto.name
      return attribute
    }
    if proto.hasG { attribute.g = try graph(proto.g) }
    for index in proto.graphs.indices { attribute.graphs[index] = try graph(proto.graphs[index]) }
    return attribute
  }

  /// A subgraph, whose own values get new names too: one of them may be called as a value of the caller that it captures.
  private mutating func graph(_ proto: ONNXGraphProto) throws(WrongType) -> ONNXGraphProto {
    let own =
      proto.input.map(\.name) + proto.initializer.map(\.name) + proto.sparseInitializer.map(\.values.name)
      + proto.node.flatMap(\.output)
    names.append(
      Dictionary(own.filter { !$0.isEmpty }.map { ($0, unique($0)) }, uniquingKeysWith: { first, _ in first })
    )
    defer { names.removeLast() }
    var graph = proto
    for index in proto.input.indices { graph.input[index].name = self[proto.input[index].name] }
    for index in proto.output.indices { graph.output[index].name = self[proto.output[index].name] }
    for index in proto.initializer.indices {
      graph.initializer[index].name = self[proto.initializer[index].name]
    }
    for index in proto.sparseInitializer.indices {
      graph.sparseInitializer[index].values.name = self[proto.sparseInitializer[index].values.name]
    }
    for index in proto.node.indices { graph.node[index] = try node(proto.node[index]) }
    return graph
  }
}
