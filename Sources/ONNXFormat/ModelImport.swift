import ModelGraph
import Tensors

/// The state shared by the imports of one model's graphs: versions, tensors, and the unsupported operators
/// found.
final class ModelImport {
  let path: String
  let tensors: TensorDecoding
  /// The version of each imported domain; ONNX's own is "".
  let opsets: [String: Int]
  /// Names of the functions that the model defines itself, with their domains.
  private let functions: Set<[String]>
  /// The sizes of what sequences made of a small file so far.
  var sequenceSizes = SequenceSizes()
  private(set) var operatorCounts: [String: Int] = [:]
  private var unsupported: [UnsupportedKey: UnsupportedFeature] = [:]

  private struct UnsupportedKey: Hashable {
    var name: String
    var reason: String?
  }

  static let supportedOpsets = 7...28

  init(_ proto: ONNXModelProto, file: MappedFile) throws {
    path = file.path
    tensors = TensorDecoding(path: file.path, file: file)
    var opsets: [String: Int] = [:]
    for opset in proto.opsetImport {
      let domain = Self.domain(opset.domain)
      guard let version = Int(exactly: opset.version), opsets[domain, default: version] == version else {
        throw ONNXError(.version(path: path, detail: "imports the domain '\(shown(opset.domain))' twice"))
      }
      opsets[domain] = version
    }
    guard let version = opsets[""] ?? (opsets.isEmpty ? nil : Self.supportedOpsets.upperBound) else {
      throw ONNXError(.version(path: path, detail: "does not say which opset it uses"))
    }
    guard Self.supportedOpsets.contains(version) else {
      throw ONNXError(
        .version(
          path: path,
          detail: "uses opset \(version); opsets \(Self.supportedOpsets.lowerBound) to "
            + "\(Self.supportedOpsets.upperBound) are supported. onnx.version_converter can convert it, "
            + "or export it again with another opset"))
    }
    self.opsets = opsets
    functions = Set(proto.functions.map { [Self.domain($0.domain), $0.name] })
  }

  var opset: Int { opsets[""] ?? 0 }

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
    return graph
  }

  /// The way to read nodes of this operator; `nil` after noting that there is none.
  func operatorImport(_ node: ONNXNodeProto, name: String) -> OperatorImport? {
    let domain = Self.domain(node.domain)
    count(node)
    let known = OperatorImport.all[domain]?[node.opType]
    if functions.contains([domain, node.opType]) {
      note(
        node, name,
        reason: "it is a function of the model itself; inline it with onnx.inliner.inline_local_functions")
    } else if let known {
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
    for (index, node) in graph.node.enumerated() {
      _ = operatorImport(node, name: GraphImport.name(of: node, index: index))
    }
  }

  private func count(_ node: ONNXNodeProto) {
    operatorCounts[
      node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : Self.qualifiedName(node), default: 0] +=
      1
  }

  private static func qualifiedName(_ node: ONNXNodeProto) -> String {
    (node.domain.isEmpty ? "ai.onnx" : node.domain) + "." + node.opType
  }
}
