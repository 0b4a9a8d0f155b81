import ModelGraph
import Tensors

extension Pass {
  /// Lets a product of integers give the floats that its levels stand for, where only a `Dequantize` reads those: they are rounded
  /// as levels are, and later operations become post-ops.
  ///
  /// It runs once all operations that work on levels have been recognised.
  public static let roundedProducts = Pass(name: "rounded products", kind: .fusion) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      guard rewriter[index].op.is(Dequantize.self) else { return false }
      return try rewriter.giveFloats(index)
    }
  }
}

extension Rewriter {
  fileprivate mutating func giveFloats(_ index: Int) throws -> Bool {
    let node = self[index]
    guard let result = node.outputs.first ?? nil, let value = dequantized(result), value.scale.count == 1,
      isReadOnce(value.integers),
      var product = maker(of: value.integers).flatMap({ IntegerProductNode($0.node) }),
      product.node.postOps.isEmpty, case .levels(let range) = product.result,
      let zero = integer(value.zeroPoint), integer(product[IntegerProductNode.Place.zero]) == zero
    else { return false }
    product.result = .rounded(minimum: range.minimum - zero, maximum: range.maximum - zero)
    product[IntegerProductNode.Place.zero] = addConstant(
      "\(product.node.name)/step", try Tensor(value.scale, shape: .scalar))
    product.node.outputs = node.outputs
    replace(index, with: product.node)
    return true
  }
}
