/// The functions that a model defines itself (`FunctionProto` of `https://onnx.ai/onnx/repo-docs/IR.html`), and the state of
/// inlining them.
struct Functions {
  /// The names by which a node calls a function.
  struct Key: Hashable, CustomStringConvertible {
    var domain: String
    var name: String
    var overload: String

    var description: String {
      (domain.isEmpty ? "ai.onnx" : domain) + "." + name + (overload.isEmpty ? "" : ":" + overload)
    }
  }

  /// A function whose body is well-formed.
  struct Definition {
    var proto: ONNXFunctionProto
    /// The nodes in an order in which each comes after those whose results it uses.
    var order: [Int]
    /// The version of each domain, for the nodes of the body.
    var opsets: [String: Int]
  }

  /// The maximum number of calls inside each other.
  static let maximumDepth = 32
  /// The maximum size of all inlined nodes together, as ``InlinedSize`` measures it.
  static let maximumSize = 128 << 20

  let protos: [Key: ONNXFunctionProto]
  /// The functions that were called so far.
  var definitions: [Key: Definition] = [:]
  /// The functions that are being inlined, each called by the one before.
  var active: [Key] = []
  /// The size of all nodes that were inlined so far.
  var size = 0

  init(_ protos: [ONNXFunctionProto], malformed: (String) -> ONNXError) throws {
    self.protos = try protos.reduce(into: [:]) { known, proto in
      let key = Key(domain: ModelImport.domain(proto.domain), name: proto.name, overload: proto.overload)
      guard known.updateValue(proto, forKey: key) == nil else {
        throw malformed("it defines the function '\(shown("\(key)"))' twice")
      }
    }
  }

  /// The function that `node` calls; `nil` if its operator is no function of the model.
  subscript(node: ONNXNodeProto) -> Key? {
    if protos.isEmpty { return nil }
    let key = Key(domain: ModelImport.domain(node.domain), name: node.opType, overload: node.overload)
    return protos[key] == nil ? nil : key
  }
}
