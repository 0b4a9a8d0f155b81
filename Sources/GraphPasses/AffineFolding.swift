import ModelGraph
import Tensors

extension Pass {
  /// Folds additions, subtractions, multiplications and divisions with constants into the linear node before them: a
  /// constant per channel (or one for all) into weights and bias, and the scale of an operand or result of a matrix
  /// multiplication whose weights are not known into its factor.
  public static let affineFolding = Pass(name: "affine folding", kind: .folding) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      if let multiply = rewriter[index].op.as(MatrixMultiply.self) {
        return rewriter.absorbScale(index, multiply)
      }
      return try rewriter.foldArithmetic(index)
    }
  }
}

extension Rewriter {
  fileprivate mutating func foldArithmetic(_ index: Int) throws -> Bool {
    let node = self[index]
    guard node.op.is(Binary.self), node.postOps.isEmpty, let result = node.outputs.first ?? nil else {
      return false
    }
    for case let x? in node.inputs {
      if let linear = LinearNode(making: x, in: self),
        let affine = ChannelAffine(
          arithmetic: node, on: x, rank: linear.rank, axis: linear.axis, channels: linear.channels, in: self),
        let folded = try linear.folding(affine, into: result, in: &self)
      {
        replace(index, with: folded)
        return true
      }
      if scaleResult(index, of: x) { return true }
    }
    return false
  }

  /// Makes `c · (a × b)` one node, where b is not known and there is no bias.
  private mutating func scaleResult(_ index: Int, of x: ValueID) -> Bool {
    let node = self[index]
    guard let (_, producer) = maker(of: x), var multiply = producer.op.as(MatrixMultiply.self), isReadOnce(x),
      producer.postOps.isEmpty, producer.inputs.count < 3 || producer.inputs[2] == nil,
      let result = node.outputs[0]
    else { return false }
    let scaled = product(result, stoppingAt: x, limit: 1)
    guard scaled.factors == [x], scaled.coefficient != 1, scaled.coefficient.isFinite,
      keepsRank(of: x, scaled.constantRank)
    else { return false }
    multiply.alpha *= scaled.coefficient
    var folded = producer
    folded.op = .matrixMultiply(multiply)
    folded.outputs = [result]
    replace(index, with: folded)
    return true
  }

  /// Reads an operand of a × b before it was multiplied by a constant.
  fileprivate mutating func absorbScale(_ index: Int, _ multiply: MatrixMultiply) -> Bool {
    var (node, multiply) = (self[index], multiply)
    for operand in 0..<min(2, node.inputs.count) {
      guard let x = node.inputs[operand], isReadOnce(x), type(x)?.elementType == .float32 else { continue }
      let scaled = product(x, limit: 1)
      guard scaled.factors.count == 1, scaled.factors[0] != x, scaled.coefficient.isFinite,
        keepsRank(of: scaled.factors[0], scaled.constantRank)
      else { continue }
      multiply.alpha *= scaled.coefficient
      node.op = .matrixMultiply(multiply)
      node.inputs[operand] = scaled.factors[0]
      replace(index, with: node)
      return true
    }
    return false
  }
}
