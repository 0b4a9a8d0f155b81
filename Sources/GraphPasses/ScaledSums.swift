import ModelGraph
import Tensors

extension Pass {
  /// Lets a product of integers scale its sums, where a graph casts them to floats and multiplies those: models whose activations
  /// are quantised at run time do that behind each `MatMulInteger` and `ConvInteger`.
  public static let scaledSums = Pass(name: "scaled sums", kind: .fusion) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      guard rewriter[index].op == .binary(.multiply) else { return false }
      return try rewriter.scaleSums(index)
    }
  }
}

extension Rewriter {
  fileprivate mutating func scaleSums(_ index: Int) throws -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, node.inputs.count == 2, let first = node.inputs[0],
      let second = node.inputs[1]
    else { return false }
    for (numbers, scale) in [(first, second), (second, first)] {
      guard isReadOnce(numbers), let cast = maker(of: numbers)?.node, cast.postOps.isEmpty,
        cast.op == .cast(.float32), let sums = cast.inputs[0], isReadOnce(sums),
        var product = maker(of: sums).flatMap({ IntegerProductNode($0.node) }), product.result == .sums,
        product.node.postOps.isEmpty, let fitting = try vector(scale, scaling: sums, of: product)
      else { continue }
      product[IntegerProductNode.Place.scale] = fitting
      product.result = .floats
      product.node.outputs = node.outputs
      replace(index, with: product.node)
      return true
    }
    return false
  }

  /// The scale as one number or a vector of the product's channels; `nil` if it broadcasts otherwise.
  private mutating func vector(
    _ scale: ValueID, scaling sums: ValueID, of product: IntegerProductNode
  ) throws -> ValueID? {
    guard let type = type(scale), type.elementType == .float32, let shape = type.shape,
      let rank = self.type(sums)?.rank, shape.rank <= rank
    else { return nil }
    if shape.elementCount == 1 { return scale }
    let isConvolution = product.node.op.is(IntegerConvolution.self)
    let channelAxis = isConvolution ? 1 : rank - 1
    guard let weights = self.type(product.node.inputs[1])?.shape?.dims,
      let channels = product.channels(weights), shape.elementCount == channels,
      shape.rank >= rank - channelAxis, shape.dims[channelAxis - (rank - shape.rank)] == channels
    else { return nil }
    if shape.rank == 1 { return scale }
    guard let tensor = tensor(scale) else { return nil }
    return addConstant("\(graph[scale].name)/vector", try tensor.reshaped(to: Shape(checking: [channels])))
  }
}
