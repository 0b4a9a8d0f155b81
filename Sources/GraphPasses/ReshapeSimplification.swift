import ModelGraph
import Tensors

extension Pass {
  /// Writes `Squeeze`, `Unsqueeze` and `Flatten` as reshapes where the shape that results is known but for one axis,
  /// and makes one reshape of several in a row.
  public static let reshapeSimplification = Pass(
    name: "reshape simplification", kind: .simplification
  ) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      rewriter.writeAsReshape(index) || rewriter.skipReshapes(behind: index)
    }
  }
}

extension Rewriter {
  fileprivate mutating func writeAsReshape(_ index: Int) -> Bool {
    var node = self[index]
    guard node.op.changesShape, !node.op.is(Reshape.self), node.postOps.isEmpty,
      let x = node.inputs.first ?? nil, let result = node.outputs.first ?? nil,
      let target = reshapeTarget(of: result, named: node.name)
    else { return false }
    node.op = .reshape(allowZero: false)
    node.inputs = [x, target]
    replace(index, with: node)
    return true
  }

  /// Reads past the reshapes that lead to this one.
  fileprivate mutating func skipReshapes(behind index: Int) -> Bool {
    var node = self[index]
    guard let allowZero = node.op.as(Reshape.self)?.allowZero, let x = node.inputs.first ?? nil,
      let previous = maker(of: x)?.node, previous.op.changesShape, previous.postOps.isEmpty,
      let source = previous.inputs.first ?? nil, let result = node.outputs.first ?? nil
    else { return false }
    // A 0 in the target copies an axis of what is being skipped.
    let copies = !allowZero && (tensor(node.inputs[1])?.integers?.contains(0) ?? true)
    if copies {
      guard let target = reshapeTarget(of: result, named: node.name) else { return false }
      node.inputs = [source, target]
    } else {
      node.inputs[0] = source
    }
    replace(index, with: node)
    return true
  }

  /// A constant to reshape to the shape of `id` with: known but for one axis at most, and with no axis of 0.
  mutating func reshapeTarget(of id: ValueID, named name: String) -> ValueID? {
    guard let dimensions = type(id)?.dimensions, !dimensions.contains(.known(0)) else { return nil }
    let sizes = dimensions.map { $0.size ?? -1 }
    guard sizes.filter({ $0 < 0 }).count <= 1, let shape = try? Shape(checking: [sizes.count]),
      let tensor = Tensor(integers: sizes, elementType: .int64, shape: shape)
    else { return nil }
    return addConstant("\(name).shape", tensor)
  }
}

extension Op {
  /// True when the op does nothing but give its first operand another shape.
  fileprivate var changesShape: Bool { isView && !self.is(Identity.self) }
}
