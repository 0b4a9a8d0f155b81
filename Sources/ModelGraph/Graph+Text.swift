import Tensors

extension Graph {
  /// The graph as text, one node a line, branches indented under their node:
  ///
  ///     graph 'resnet' (%0 "input" f32[batch,3,224,224]) → (%9 "logits")
  ///       %3 f32[batch,64,112,112] = conv(%0, "conv1.weight") {strides 2x2, padding 3x3x3x3} + relu  // /conv1/Conv
  public var textDescription: String {
    var lines: [String] = []
    print(into: &lines, indent: "")
    return lines.joined(separator: "\n") + "\n"
  }

  private func print(into lines: inout [String], indent: String) {
    let arguments = inputs.map { "%\($0.index) \"\(name(of: $0))\" \(typeText(of: $0))" }
    let results = outputs.map { "%\($0.index) \"\(name(of: $0))\"" }
    lines.append(
      "\(indent)graph '\(name)' (\(arguments.joined(separator: ", "))) → (\(results.joined(separator: ", ")))"
    )
    for node in nodes {
      lines.append("\(indent)  \(text(of: node))")
      for body in node.op.bodies { body.print(into: &lines, indent: indent + "    ") }
    }
  }

  /// One node as ``textDescription`` shows it.
  public func text(of node: Node) -> String {
    let results = node.outputs.map { id in id.map { "%\($0.index) \(typeText(of: $0))" } ?? "–" }
    let operands = node.inputs.map { id in id.map(operandText) ?? "–" }
    let attributes = node.op.base.attributes.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    var line = "\(results.joined(separator: ", ")) = \(node.op.name)(\(operands.joined(separator: ", ")))"
    if !attributes.isEmpty { line += " {\(attributes)}" }
    for postOp in node.postOps { line += " + \(text(of: postOp))" }
    return line + "  // \(node.name)"
  }

  func text(of postOp: PostOp) -> String {
    switch postOp {
    case .unary(let function): return function.name + (function.printedParameters.map { "(\($0))" } ?? "")
    case .binary(let function, let operand): return "\(function.rawValue)(\(operandText(operand)))"
    }
  }

  /// A small constant's elements, another constant's name, or the value's number.
  private func operandText(_ id: ValueID) -> String {
    guard let constant = constants[id] else { return "%\(id.index)" }
    return constant.tensor?.printedElements ?? "\"\(name(of: id))\" \(constant.type.shortDescription)"
  }

  private func name(of id: ValueID) -> String {
    values.indices.contains(id.index) ? values[id.index].name : "?"
  }

  private func typeText(of id: ValueID) -> String {
    guard values.indices.contains(id.index), let type = values[id.index].type else { return "?" }
    return type.shortDescription
  }
}

extension Tensor {
  /// Up to eight elements of a scalar or list: `0.5`, `[1, -1]`.
  var printedElements: String? {
    guard shape.rank <= 1, shape.elementCount <= 8 else { return nil }
    let elements = floats.map { $0.map(\.description) } ?? integers.map { $0.map(\.description) }
    guard let elements else { return nil }
    return shape.rank == 0 ? elements.first : "[\(elements.joined(separator: ", "))]"
  }
}
