import ModelGraph
import Tensors

extension Pass {
  /// Moves element-wise functions from behind a reshape to the convolution or matrix multiplication before it, where they
  /// can be folded into it: functions of one operand, and arithmetic with a constant, of one element or one a channel.
  public static let reshapeSinking = Pass(name: "reshape sinking", kind: .simplification) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      let op = rewriter[index].op
      if op.is(Unary.self) { return rewriter.sinkReshapeBehindUnary(index) }
      return try op.is(Binary.self) && rewriter.sinkReshapeBehindArithmetic(index)
    }
  }
}

extension Rewriter {
  fileprivate mutating func sinkReshapeBehindUnary(_ index: Int) -> Bool {
    guard let x = self[index].inputs.first ?? nil, let (reshape, source) = reshapedResult(x) else {
      return false
    }
    return sink(reshape, behind: index, operands: [source], source: source)
  }

  fileprivate mutating func sinkReshapeBehindArithmetic(_ index: Int) throws -> Bool {
    let node = self[index]
    guard node.inputs.count == 2, let result = node.outputs.first ?? nil else { return false }
    for (position, constant) in [(0, node.inputs[1]), (1, node.inputs[0])] {
      guard let x = node.inputs[position], let constant = tensor(constant),
        ValueType.haveSameShape(type(x), type(result)), let (reshape, source) = reshapedResult(x),
        let moved = try moved(constant, from: type(x), to: type(source))
      else { continue }
      let other = addConstant("\(node.name).constant", moved)
      return sink(
        reshape, behind: index, operands: position == 0 ? [source, other] : [other, source], source: source)
    }
    return false
  }

  /// The reshape that makes `x`, and what it reshapes: the result of a linear node. Nobody else may read either.
  private func reshapedResult(_ x: ValueID) -> (reshape: Node, source: ValueID)? {
    guard isReadOnce(x), let (_, reshape) = maker(of: x), reshape.op.is(Reshape.self),
      reshape.postOps.isEmpty, let source = reshape.inputs.first ?? nil, isReadOnce(source),
      let (_, host) = maker(of: source), host.outputs.first == source, host.op.isLinear
    else { return nil }
    return (reshape, source)
  }

  /// Applies the node at `index` to `operands`, which are as large as `source`, and reshapes that.
  private mutating func sink(
    _ reshape: Node, behind index: Int, operands: [ValueID?], source: ValueID
  ) -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty else { return false }
    let early = addValue("\(node.name).early", type: type(source))
    insert(Node(name: node.name, op: node.op, inputs: operands, outputs: [early]), before: index)
    var late = reshape
    late.inputs[0] = early
    late.outputs = node.outputs
    replace(index, with: late)
    return true
  }

  /// A constant for the shape before a reshape that meets the elements that it meets after it.
  private func moved(_ constant: Tensor, from after: ValueType?, to before: ValueType?) throws -> Tensor? {
    if constant.shape.elementCount == 1 { return try constant.reshaped(to: .scalar) }
    // A reshape that leaves images and channels alone leaves the channel of every element alone.
    guard let after = after?.dimensions, let before = before?.dimensions, after.count >= 2, before.count >= 2,
      after[0].isSeenToEqual(before[0]), after[1].isSeenToEqual(before[1]), let channels = after[1].size,
      constant.values(alongAxis: 1, of: after.count, size: channels) != nil
    else { return nil }
    let ones = [Int](repeating: 1, count: before.count - 2)
    return try constant.reshaped(to: try Shape(checking: [channels] + ones))
  }
}
