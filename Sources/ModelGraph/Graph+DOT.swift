import Tensors

extension Graph {
  /// The graph in the DOT language of Graphviz, top to bottom: inputs and outputs as ellipses, nodes as boxes whose
  /// colour tells the op's family, edges with the type that flows along them. Constants are lines in their node's box.
  /// Branches of a conditional are not drawn, only named.
  public func dot() -> String {
    var lines = [
      "digraph \"\(escaped(name))\" {",
      "  graph [rankdir=TB, fontname=Helvetica, label=\"\(escaped(name))\", labelloc=t, fontsize=18, ranksep=0.35];",
      "  node [shape=box, style=\"rounded,filled\", fontname=Helvetica, fontsize=11, color=\"#00000030\"];",
      "  edge [fontname=Helvetica, fontsize=9, color=\"#607080\", fontcolor=\"#607080\", arrowsize=0.6];",
    ]
    let makers = uses().producers
    for id in inputs { lines.append(terminal("in\(id.index)", id)) }
    for (index, node) in nodes.enumerated() {
      lines.append(
        "  n\(index) [label=\"\(label(of: node))\", fillcolor=\"\(type(of: node.op.base).family.color)\"];")
      for case let id? in node.operands where constants[id] == nil {
        lines.append("  \(source(of: id, makers)) -> n\(index) [label=\"\(edgeLabel(id))\"];")
      }
    }
    for (position, id) in outputs.enumerated() {
      lines.append(terminal("out\(position)", id))
      if constants[id] == nil { lines.append("  \(source(of: id, makers)) -> out\(position);") }
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }

  private func source(of id: ValueID, _ makers: [Int?]) -> String {
    makers.indices.contains(id.index) ? makers[id.index].map { "n\($0)" } ?? "in\(id.index)" : "in\(id.index)"
  }

  private func terminal(_ identifier: String, _ id: ValueID) -> String {
    let name = values.indices.contains(id.index) ? values[id.index].name : "?"
    return
      "  \(identifier) [shape=ellipse, fillcolor=\"#f4f4f4\", label=\"\(escaped(name))\\n\(edgeLabel(id))\"];"
  }

  private func edgeLabel(_ id: ValueID) -> String {
    guard values.indices.contains(id.index), let type = values[id.index].type else { return "" }
    return escaped(type.shortDescription)
  }

  private func label(of node: Node) -> String {
    var lines = [node.op.name + node.postOps.map { " + \(text(of: $0))" }.joined()]
    lines += node.op.base.attributes.map { "\($0.name) \($0.value)" }
    let weights = node.operands.compactMap { id in id.flatMap { constants[$0]?.type } }
    lines += weights.prefix(4).map { "weight \($0.shortDescription)" }
    return lines.map(escaped).joined(separator: "\\n")
  }

  private func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: " ")
  }
}

extension OperatorFamily {
  fileprivate var color: String {
    switch self {
    case .linear: "#ffd9a0"
    case .window: "#cfe3ff"
    case .elementwise: "#d8f0d0"
    case .movement: "#e9e4f5"
    case .control: "#ffd6de"
    }
  }
}
