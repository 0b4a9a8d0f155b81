import ModelGraph
import Tensors

extension Pass {
  /// Lets a convolution, deconvolution or matrix multiplication apply the element-wise functions behind it while its
  /// result is in registers: activations, and additions, products… with an operand that is as large as the result (a
  /// residual), has one element, or one for each channel. Batch normalisations and arithmetic of two operands apply
  /// activations. Nobody else may read what lies between.
  public static let postOpFusion = Pass(name: "post-op fusion", kind: .fusion) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      let op = rewriter[index].op
      if let unary = op.as(Unary.self) { return rewriter.fuse(unary.function, index) }
      if let binary = op.as(Binary.self) { return rewriter.fuse(binary.function, index) }
      return false
    }
  }
}

extension UnaryFunction {
  /// True if kernels can apply this to their own results (oneDNN's `eltwise` post-ops).
  fileprivate var isPostOp: Bool {
    switch self {
    case .relu, .leakyRelu, .elu, .clip, .sigmoid, .tanh, .hardSigmoid, .hardSwish, .silu, .gelu, .mish,
      .softplus,
      .absolute, .squareRoot, .exponential:
      true
    default: false
    }
  }
}

extension BinaryFunction {
  /// True if kernels can apply this to their own results (oneDNN's `binary` post-ops), with the result as
  /// first operand.
  fileprivate var isPostOp: Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .maximum, .minimum: true
    default: false
    }
  }

  fileprivate var isCommutative: Bool {
    switch self {
    case .add, .multiply, .maximum, .minimum: true
    default: false
    }
  }
}

extension Rewriter {
  /// The maximum number of post-ops of one node; oneDNN accepts 32.
  private static let maximumPostOps = 16

  fileprivate mutating func fuse(_ function: UnaryFunction, _ index: Int) -> Bool {
    let node = self[index]
    guard function.isPostOp, node.postOps.isEmpty, let x = node.inputs.first ?? nil,
      var fused = (host(making: x) ?? activationHost(making: x))?.node
    else { return false }
    fused.postOps.append(.unary(function))
    fused.outputs = node.outputs
    replace(index, with: fused)
    return true
  }

  fileprivate mutating func fuse(_ function: BinaryFunction, _ index: Int) -> Bool {
    let node = self[index]
    guard function.isPostOp, node.inputs.count == 2, let first = node.inputs[0], let second = node.inputs[1],
      first != second
    else { return false }
    var candidates = [(x: first, operand: second)]
    if function.isCommutative { candidates.append((second, first)) }
    // Of two that could take the other as an operand, the later one does: the other is done by then.
    let hosts = candidates.compactMap { x, operand in
      host(making: x).map { (host: $0, x: x, operand: operand) }
    }.sorted { $0.host.index > $1.host.index }
    for (host, x, operand) in hosts where canBeOperand(operand, of: host.node, making: x) {
      var fused = host.node
      fused.postOps.append(.binary(function, operand))
      fused.postOps += node.postOps
      fused.outputs = node.outputs
      replace(index, with: fused)
      return true
    }
    return false
  }

  /// The node that makes `x` and may get another post-op.
  private func host(making x: ValueID) -> (index: Int, node: Node)? {
    guard let (index, node) = maker(of: x), mayGrow(node, making: x), node.op.isLinear else { return nil }
    return (index, node)
  }

  /// The node that makes `x` and may get an activation, but nothing that needs an operand.
  private func activationHost(making x: ValueID) -> (index: Int, node: Node)? {
    guard let (index, node) = maker(of: x), mayGrow(node, making: x),
      type(x)?.elementType.isFloatingPoint ?? false
    else { return nil }
    let canApply = node.op.is(BatchNormalization.self) || node.op.as(Binary.self)?.function.isPostOp ?? false
    return canApply ? (index, node) : nil
  }

  private func mayGrow(_ node: Node, making x: ValueID) -> Bool {
    isReadOnce(x) && node.outputs.first == x && node.postOps.count < Self.maximumPostOps
  }

  /// Returns true if a post-op of `host` may read `operand`: it broadcasts to the result in a way that
  /// kernels support.
  private func canBeOperand(_ operand: ValueID, of host: Node, making x: ValueID) -> Bool {
    guard let type = type(operand), let result = self.type(x), type.elementType == result.elementType,
      type.elementType.isFloatingPoint, let sizes = type.dimensions, let whole = result.dimensions,
      sizes.count <= whole.count
    else { return false }
    if ValueType.haveSameShape(type, result) { return true }
    let channelAxis = host.op.multipliesMatrices ? whole.count - 1 : 1
    return sizes.enumerated().allSatisfy { index, size in
      if size == .known(1) { return true }
      let axis = index + whole.count - sizes.count
      return axis == channelAxis && size.isSeenToEqual(whole[axis])
    }
  }
}
