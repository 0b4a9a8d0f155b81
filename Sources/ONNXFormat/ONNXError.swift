import ModelGraph

/// Why an ONNX file could not be read: the model, the node or tensor that shows it, and what can be done about it.
public struct ONNXError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// The file cannot be opened or mapped.
    case unreadable(path: String, detail: String)
    /// The bytes are not an ONNX model.
    case malformed(path: String, detail: String)
    /// The model's version numbers are out of what is supported.
    case version(path: String, detail: String)
    /// A graph is not one: a cycle, a missing value, a name twice.
    case graph(path: String, graph: String, detail: String)
    /// A node contradicts its operator's definition.
    case node(path: String, graph: String, node: String, op: String, detail: String)
    /// A constant's type, shape and bytes do not fit together.
    case tensor(path: String, tensor: String, detail: String)
    /// External data that cannot be used.
    case externalData(path: String, tensor: String, detail: String)
    /// Everything in the model that is not supported.
    case unsupported(path: String, [UnsupportedFeature])
    /// The graph that was read cannot be typed.
    case verification(path: String, GraphError)
  }

  package let code: Code

  package init(_ code: Code) { self.code = code }

  /// One of a few short words, for metric labels.
  public var label: String {
    switch code {
    case .unreadable: "unreadable"
    case .malformed: "malformed"
    case .version: "version"
    case .graph: "graph"
    case .node: "node"
    case .tensor: "tensor"
    case .externalData: "external_data"
    case .unsupported: "unsupported"
    case .verification: "verification"
    }
  }

  public var description: String {
    switch code {
    case .unreadable(let path, let detail): "cannot read the model '\(path)': \(detail)"
    case .malformed(let path, let detail): "'\(path)' is not an ONNX model that can be read: \(detail)"
    case .version(let path, let detail): "the model '\(path)' \(detail)"
    case .graph(let path, let graph, let detail):
      "in the model '\(path)', the graph '\(shown(graph))' is not well-formed: \(detail)"
    case .node(let path, let graph, let node, let op, let detail):
      "in the model '\(path)', graph '\(shown(graph))', node '\(shown(node))' (\(shown(op))) \(detail)"
    case .tensor(let path, let tensor, let detail):
      "in the model '\(path)', the constant '\(shown(tensor))' \(detail)"
    case .externalData(let path, let tensor, let detail):
      "in the model '\(path)', the external data of '\(shown(tensor))' \(detail)"
    case .unsupported(let path, let features):
      "the model '\(path)' uses \(features.count) unsupported \(features.count == 1 ? "feature" : "features"):"
        + features.prefix(100).map { "\n  \($0)" }.joined()
        + (features.count > 100 ? "\n  and \(features.count - 100) more" : "")
    case .verification(let path, let error): "the model '\(path)' cannot be used: \(error)"
    }
  }
}

/// An operator, a form of one, or a type that no graph can express, and where the model has it.
package struct UnsupportedFeature: Sendable, Hashable, CustomStringConvertible {
  /// `ai.onnx.Loop`, for instance.
  package var name: String
  /// The version of the operator's domain that the model imports; `nil` for what is not an operator.
  package var opset: Int?
  /// Why, when the operator itself is supported.
  package var reason: String?
  /// The location: names of nodes or constants, at most ``shownNames`` of them.
  package var names: [String]
  package var count: Int

  package static let shownNames = 5

  package var description: String {
    let more = count > names.count ? " and \(count - names.count) more" : ""
    return shown(name) + (opset.map { ", opset \($0)" } ?? "") + ", \(count)×"
      + (reason.map { ": \($0)" } ?? "") + " ("
      + names.map { "'\(shown($0))'" }.joined(separator: ", ") + more + ")"
  }
}

/// Text from a file, made fit for a message: bounded, without control characters, line separators and invisible
/// formatting.
package func shown(_ text: String) -> String {
  let limit = 120
  let head = String(
    String.UnicodeScalarView(
      text.unicodeScalars.prefix(limit).map { scalar -> Unicode.Scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: "·"
        default: scalar
        }
      }))
  return text.unicodeScalars.dropFirst(limit).isEmpty ? head : head + "…"
}
