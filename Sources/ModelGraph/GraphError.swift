/// A fault in a graph, with the model, the node and the types that show it.
public struct GraphError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case verification(graph: String, detail: String)
    case inference(graph: String, node: String, op: String, detail: String)
    case malformed(offset: Int, detail: String)
  }

  package let code: Code

  package init(_ code: Code) { self.code = code }

  public var description: String {
    switch code {
    case .verification(let graph, let detail): "the graph '\(graph)' is not well-formed: \(detail)"
    case .inference(let graph, let node, let op, let detail):
      "in '\(graph)', node '\(node)' (\(op)) cannot be typed: \(detail)"
    case .malformed(let offset, let detail):
      "these bytes are no graph that this version can read: \(detail), at byte \(offset)"
    }
  }
}
