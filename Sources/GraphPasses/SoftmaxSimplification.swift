import ModelGraph

extension Pass {
  /// Removes the detour through two axes that `Softmax` and `LogSoftmax` of opset 12 and older take, where it is along the
  /// last axis: flatten, softmax along axis 1, reshape back.
  public static let softmaxSimplification = Pass(
    name: "softmax simplification", kind: .simplification
  ) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      var node = rewriter[index]
      guard node.op.is(Reshape.self), node.postOps.isEmpty, let result = node.outputs.first ?? nil,
        let normalised = node.inputs.first ?? nil, rewriter.isReadOnce(normalised),
        let softmax = rewriter.maker(of: normalised)?.node, softmax.postOps.isEmpty,
        let flat = softmax.inputs.first ?? nil, let flattening = rewriter.maker(of: flat)?.node,
        flattening.postOps.isEmpty, let x = flattening.inputs.first ?? nil, let rank = rewriter.type(x)?.rank,
        rank > 0, rewriter.keepsLastAxis(flattening, of: x, as: flat),
        rewriter.hasShape(of: x, node, result)
      else { return false }
      switch softmax.op {
      case .softmax(axis: 1), .softmax(axis: -1): node.op = .softmax(axis: rank - 1)
      case .logSoftmax(axis: 1), .logSoftmax(axis: -1): node.op = .logSoftmax(axis: rank - 1)
      default: return false
      }
      node.inputs = [x]
      rewriter.replace(index, with: node)
      return true
    }
  }
}

extension Rewriter {
  /// Returns true if `flattening` reshapes `x` to two axes, the second of which is x's last.
  fileprivate func keepsLastAxis(_ flattening: Node, of x: ValueID, as flat: ValueID) -> Bool {
    guard let dimensions = type(x)?.dimensions, let last = dimensions.last else { return false }
    if let axis = flattening.op.as(Flatten.self)?.axis { return axis == -1 || axis == dimensions.count - 1 }
    guard flattening.op.is(Reshape.self), let rows = type(flat)?.dimensions, rows.count == 2 else {
      return false
    }
    return last.isSeenToEqual(rows[1]) && last != .known(0)
  }

  /// Returns true if the reshape `node`, whose result is `result`, restores the shape of `x`.
  fileprivate func hasShape(of x: ValueID, _ node: Node, _ result: ValueID) -> Bool {
    if ValueType.haveSameShape(type(x), type(result)) { return true }
    guard node.inputs.count == 2, let shape = maker(of: node.inputs[1])?.node else { return false }
    return shape.op == .shape(start: 0, end: nil) && shape.inputs.first == x
  }
}
