import ModelGraph
import Tensors

/// The graph's nodes as text, in order: constants by their elements, other values by where they come from. Two graphs
/// with the same text compute the same, whatever their values are called.
func text(_ graph: Graph) -> [String] {
  var sources: [ValueID: String] = [:]
  for (index, id) in graph.inputs.enumerated() { sources[id] = "input\(index)" }
  for (id, constant) in graph.constants { sources[id] = constant.tensor.map(elements) ?? "weight" }
  func source(_ id: ValueID?) -> String { id.map { sources[$0] ?? "nothing" } ?? "–" }
  var lines: [String] = []
  for (index, node) in graph.nodes.enumerated() {
    for (result, id) in node.outputs.enumerated() {
      if let id { sources[id] = result == 0 ? "%\(index)" : "%\(index).\(result)" }
    }
    if let conditional = node.op.as(Conditional.self) {
      lines.append("%\(index) = conditional(\(node.inputs.map(source).joined(separator: ", ")))")
      lines += text(conditional.then).map { "  then: \($0)" }
      lines += text(conditional.otherwise).map { "  else: \($0)" }
    } else {
      lines.append("%\(index) = \(name(node.op))(\(node.inputs.map(source).joined(separator: ", ")))")
    }
  }
  return lines + ["return \(graph.outputs.map { source($0) }.joined(separator: ", "))"]
}

/// The op with all of its parameters; `unary.relu` for a function without any.
private func name(_ op: Op) -> String {
  op.is(Binary.self) || op.is(Unary.self) && op.base.attributes.isEmpty || "\(op.base)".hasSuffix("()")
    ? op.name : "\(op.base)"
}

/// A constant's elements as text, with its type and shape.
func elements(_ tensor: Tensor) -> String {
  if let numbers = tensor.integers { return "\(tensor.elementType)\(tensor.shape)\(numbers)" }
  if tensor.elementType == .float64, let numbers = try? tensor.elements(as: Double.self) {
    return "\(tensor.elementType)\(tensor.shape)\(numbers)"
  }
  return "\(tensor.elementType)\(tensor.shape)\(tensor.floats ?? [])"
}
