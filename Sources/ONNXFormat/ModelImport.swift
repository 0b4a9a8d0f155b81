import ModelGraph
import Tensors

/// The state shared by the imports of one model's graphs: versions, tensors, and the unsupported operators
/// found.
final class ModelImport {
  let path: String
  let tensors: TensorDecoding
  /// The version of ONNX's own operators that the model imports.
  let opset: Int
  /// The version of each domain that the model imports; ONNX's own is "".
  let imports: [String: Int]
  /// The versions for the nodes that are being read: the model's, or those of the function that is being inlined.
  var opsets: [String: Int]
  /// The functions that the model defines itself, and the state of inlining them.
  var functions: Functions
  /// The number of graphs that are being read, each inside the one before.
  var graphDepth = 0
  /// The sizes of what sequences made of a small file so far.
  var sequenceSizes = SequenceSizes()
  /// True if a node of the model asks whether an optional is there.
  let asksForPresence: Bool
  private(set) var operatorCounts: [String: Int] = [:]
  /// The keys of the main graph's values that are maps, by name.
  private(set) var mapKeys: [String: ClassLabels] = [:]
  private var unsupported: [UnsupportedKey: UnsupportedFeature] = [:]

  private struct UnsupportedKey: Hashable {
    var name: String
    var reason: String?
  }

  static let supportedOpsets = 1...28

  /// A clause for messages.
  static var supportedText: String {
    "opsets \(supportedOpsets.lowerBound) to \(supportedOpsets.upperBound) are supported"
  }

  init(_ proto: ONNXModelProto, file: MappedFile) throws {
    path = file.path
    tensors = TensorDecoding(path: file.path, file: file)
    var opsets = try Self.versions(proto.opsetImport) { [path] in
      ONNXError(.version(path: path, detail: "imports the domain '\(shown($0))' twice"))
    }
    // Files older than version 3 of the format do not name their opset, which is 1.
    if opsets.isEmpty, proto.irVersion < 3 { opsets[""] = 1 }
    guard let version = opsets[""] ?? (opsets.isEmpty ? nil : Self.supportedOpsets.upperBound) else {
      throw ONNXError(.version(path: path, detail: "does not say which opset it uses"))
    }
    guard Self.supportedOpsets.contains(version) else {
      throw ONNXError(
        .version(
          path: path,
          detail: "uses opset \(version); \(Self.supportedText). onnx.version_converter can convert it, "
            + "or export it again with another opset"))
    }
    asksForPresence =
      proto.graph.node.contains(where: Self.asksForPresence)
      || proto.functions.contains { $0.node.contains(where: Self.asksForPresence) }
    imports = opsets
    self.opsets = opsets
    opset = opsets[""] ?? 0
    functions = try Functions(proto.functions) { [path] in ONNXError(.malformed(path: path, detail: $0)) }
  }

  /// Returns true if the node, or one of a graph inside, asks whether an optional is there.
  private static func asksForPresence(_ node: ONNXNodeProto) -> Bool {
    node.opType == "OptionalHasElement"
      || node.attribute.contains { attribute in
        (attribute.hasG ? [attribute.g] : []).contains { $0.node.contains(where: asksForPresence) }
          || attribute.graphs.contains { $0.node.contains(where: asksForPresence) }
      }
  }

  /// The version of each domain in a list of imports.
  static func versions(_ imports: [ONNXOperatorSetIdProto], twice: (String) -> ONNXError) throws -> [String:
    Int]
  {
    try imports.reduce(into: [:]) { opsets, opset in
      let domain = domain(opset.domain)
      guard let version = Int(exactly: opset.version), opsets[domain, default: version] == version else {
        throw twice(opset.domain)
      }
      opsets[domain] = version
    }
  }

  /// ONNX's own domain has two names.
  static func domain(_ name: String) -> String { name == "ai.onnx" ? "" : name }

  /// The main graph.
  func read(_ proto: ONNXGraphProto, name: String) throws -> Graph {
    let main = GraphImport(self, proto, name: name)
    main.sequenceOutputs = .served
    var graph = try main.read()
    guard unsupported.isEmpty else {
      let features = unsupported.values.sorted {
        ($0.name, $0.reason ?? "", $0.names.first ?? "") < ($1.name, $1.reason ?? "", $1.names.first ?? "")
      }
      throw ONNXError(.unsupported(path: path, features))
    }
    // Elements of sequences that nobody takes, and constant positions.
    if !main.composites.isEmpty { graph.removeDeadCode() }
    do { try graph.verify() } catch { throw ONNXError(.verification(path: path, error)) }
    mapKeys = main.mapKeys
    return graph
  }

  /// The way to read nodes of this operator; `nil` after noting that there is none.
  func operatorImport(_ node: ONNXNodeProto, name: String) -> OperatorImport? {
    let domain = Self.domain(node.domain)
    count(node)
    let known = OperatorImport.all[domain]?[node.opType]
    if let known {
      guard let version = opsets[domain] else {
        note(node, name, reason: "the model does not import its domain")
        return nil
      }
      if known.versions.contains(version) { return known }
      note(
        node, name,
        reason: version < known.versions.lowerBound
          ? "it was introduced in opset \(known.versions.lowerBound)"
          : "it was removed after opset \(known.versions.upperBound)")
    } else {
      note(node, name)
    }
    // The subgraphs of what cannot be read may hold more that is not supported.
    for attribute in node.attribute {
      for graph in (attribute.hasG ? [attribute.g] : []) + attribute.graphs { survey(graph) }
    }
    return nil
  }

  /// Notes that a node is not supported.
  func note(_ node: ONNXNodeProto, _ name: String, reason: String? = nil) {
    let domain = Self.domain(node.domain)
    note(Self.qualifiedName(node), opset: opsets[domain], reason, name)
  }

  /// Notes a type that is not supported.
  func note(type: String, _ role: String, _ name: String) {
    note("\(role) of type \(type)", opset: nil, nil, name)
  }

  private func note(_ feature: String, opset: Int?, _ reason: String?, _ name: String) {
    let key = UnsupportedKey(name: feature, reason: reason)
    var entry =
      unsupported[key]
      ?? UnsupportedFeature(name: feature, opset: opset, reason: reason, names: [], count: 0)
    entry.count += 1
    if entry.names.count < UnsupportedFeature.shownNames { entry.names.append(name) }
    unsupported[key] = entry
  }

  /// Looks only for operators that are not known.
  private func survey(_ graph: ONNXGraphProto) {
    for (index, node) in graph.node.enumerated() where functions[node] == nil {
      _ = operatorImport(node, name: GraphImport.name(of: node, index: index))
    }
  }

  /// Counts a use of an operator.
  func count(_ node: ONNXNodeProto) {
    operatorCounts[
      node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : Self.qualifiedName(node), default: 0] +=
      1
  }

  private static func qualifiedName(_ node: ONNXNodeProto) -> String {
    (node.domain.isEmpty ? "ai.onnx" : node.domain) + "." + node.opType
  }
}
