import ModelGraph
import Tensors

extension Pass {
  /// Turns products of dequantised values into products of integers, whose weights stay integers: first the product itself, with a
  /// result in floats, and then the activation and the `Quantize` behind it, which become its last part.
  ///
  /// It runs before constants are folded: a folded `Dequantize` of weights would be four times as large. The bias is rounded to
  /// the step of the sums, as ONNX's `QLinearConv` has it, only where the result is quantised.
  public static let quantizedProducts = Pass(name: "quantised products", kind: .fusion) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      let op = rewriter[index].op
      if op.is(Convolution.self) || op.is(MatrixMultiply.self) {
        return try rewriter.multiplyIntegers(index)
      }
      if let quantize = op.as(Quantize.self) { return try rewriter.requantize(index, quantize) }
      return false
    }
  }
}

extension Rewriter {
  /// Multiplies the integers of two dequantised operands, the second of which is constant, and then scales.
  fileprivate mutating func multiplyIntegers(_ index: Int) throws -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, node.inputs.count >= 2, let result = node.outputs.first ?? nil,
      let a = dequantized(node.inputs[0]), let b = dequantized(node.inputs[1]), a.scale.count == 1,
      [a, b].allSatisfy({ $0.type == .int8 || $0.type == .uint8 }), tensor(b.integers) != nil,
      let weights = type(b.integers)?.shape?.dims, weights.allSatisfy({ $0 > 0 }),
      var product = integerProduct(of: node.op), let channels = product.channels(weights),
      let zeroB = zeroPoint(b, of: product, weights)
    else { return false }
    let bias = node.inputs.count > 2 ? node.inputs[2] : nil
    var added: ValueID?
    if let bias {
      guard let values = floats(bias), let shape = biasShape(values.shape, of: product, rank: weights.count)
      else { return false }
      added = addConstant("\(node.name)/bias", try Tensor(values.values, shape: shape))
    }
    let scales = b.scale.map { a.scale[0] * $0 }
    guard scales.count == 1 || scales.count == channels, scales.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      return false
    }
    product.node.name = node.name
    product.node.inputs = [a.integers, b.integers]
    product[IntegerProductNode.Place.zeroA] = a.zeroPoint
    product[IntegerProductNode.Place.zeroB] = zeroB.value
    product[IntegerProductNode.Place.scale] = addConstant(
      "\(node.name)/scale",
      try Tensor(scales, shape: scales.count == 1 ? .scalar : Shape(checking: [channels])))
    guard let added else {
      product.node.outputs = [result]
      replace(index, with: product.node)
      return true
    }
    let scaled = addValue("\(node.name)/scaled", type: type(result))
    product.node.outputs = [scaled]
    insert(product.node, before: index)
    replace(
      index,
      with: Node(name: "\(node.name)/add", op: .binary(.add), inputs: [scaled, added], outputs: [result]))
    return true
  }

  /// A node that multiplies integers as `op` multiplies floats.
  private func integerProduct(of op: Op) -> IntegerProductNode? {
    if let convolution = op.as(Convolution.self) {
      let op = IntegerConvolution(window: convolution, result: .floats)
      return IntegerProductNode(Node(name: "", op: .integerConvolution(op), inputs: [], outputs: []))
    }
    guard let multiply = op.as(MatrixMultiply.self), multiply.alpha == 1 else { return nil }
    let integer = IntegerMatrixMultiply(
      transposeA: multiply.transposeA, transposeB: multiply.transposeB, result: .floats)
    return IntegerProductNode(Node(name: "", op: .integerMatrixMultiply(integer), inputs: [], outputs: []))
  }

  /// The zero point of weights that have one scale, or one for each channel of the result; the outer optional is `nil` for weights
  /// that are quantised otherwise.
  private mutating func zeroPoint(
    _ weights: DequantizedValue, of product: IntegerProductNode, _ dims: [Int]
  ) -> (value: ValueID?, Void)? {
    guard weights.scale.count > 1 else { return (weights.zeroPoint, ()) }
    let multiply = product.node.op.as(IntegerMatrixMultiply.self)
    let channelAxis = multiply.map { $0.transposeB ? 0 : 1 } ?? 0
    let axis = weights.axis < 0 ? weights.axis + dims.count : weights.axis
    guard axis == channelAxis, weights.scale.count == dims[channelAxis] else { return nil }
    guard let zero = weights.zeroPoint, let tensor = tensor(zero) else { return (nil, ()) }
    // It broadcasts to the matrix before that is transposed.
    guard multiply?.transposeB ?? false, let shape = try? Shape(checking: [dims[0], 1]),
      let column = try? tensor.reshaped(to: shape)
    else { return (zero, ()) }
    return (addConstant("\(graph[zero].name)/column", column), ())
  }

  /// The shape with which a bias is added to the result of a product; `nil` if it is not one number or one for each channel.
  private func biasShape(_ shape: Shape, of product: IntegerProductNode, rank: Int) -> Shape? {
    guard product.node.op.is(IntegerConvolution.self) else { return shape }
    guard shape.rank == 1 else { return nil }
    return try? Shape(checking: [shape.elementCount] + [Int](repeating: 1, count: rank - 2))
  }

  /// Lets a product of integers give levels in place of the floats that are quantised at `index`, perhaps behind a bias and an
  /// activation.
  fileprivate mutating func requantize(_ index: Int, _ quantize: Quantize) throws -> Bool {
    let node = self[index]
    let isSigned = quantize.target == .int8
    guard isSigned || quantize.target == .uint8, node.postOps.isEmpty, let x = node.inputs[0],
      let result = node.outputs.first ?? nil, let step = tensor(node.inputs[1])?.floats, step.count == 1,
      step[0].isFinite, step[0] > 0
    else { return false }
    let zeroID = node.inputs.count > 2 ? node.inputs[2] : nil
    guard let zero = integer(zeroID) else { return false }
    var source = x
    var range = QuantizedRange(isSigned: isSigned)
    if isReadOnce(source), let (function, argument) = unary(source),
      let limited = function.limits(scale: step[0], zero: zero, isSigned: isSigned)
    {
      (source, range) = (argument, limited)
    }
    guard isReadOnce(source),
      var product = maker(of: source).flatMap({ IntegerProductNode($0.node) }) ?? biased(source)
    else { return false }
    var bias: [Double]?
    if maker(of: source)?.node.op.is(Binary.self) ?? false {
      guard let found = addedBias(source, to: product) else { return false }
      bias = found
    }
    guard product.result == .floats, product.node.postOps.isEmpty,
      let scales = tensor(product[IntegerProductNode.Place.scale])?.floats, product[4] == nil
    else { return false }
    if let bias {
      let sums = bias.enumerated().map { channel, number in
        (number / Double(scales[scales.count == 1 ? 0 : channel])).rounded(.toNearestOrEven)
      }
      guard sums.allSatisfy({ $0.magnitude < 2_147_483_648 }) else { return false }
      product[IntegerProductNode.Place.bias] = addConstant(
        "\(product.node.name)/bias",
        try Tensor(sums.map { Int32($0) }, shape: Shape(checking: [sums.count])))
    }
    let ratios = scales.map { $0 / step[0] }
    guard ratios.allSatisfy(\.isFinite) else { return false }
    product[IntegerProductNode.Place.scale] = addConstant(
      "\(product.node.name)/scale",
      try Tensor(ratios, shape: ratios.count == 1 ? .scalar : Shape(checking: [ratios.count])))
    product[IntegerProductNode.Place.zero] = zeroID
    product.result = .levels(range)
    product.node.outputs = [result]
    replace(index, with: product.node)
    return true
  }

  /// The product of integers to which a node adds a constant.
  private func biased(_ id: ValueID) -> IntegerProductNode? {
    guard let node = maker(of: id)?.node, node.op.as(Binary.self)?.function == .add, node.postOps.isEmpty
    else {
      return nil
    }
    let products = node.inputs.compactMap { input in
      input.flatMap { isReadOnce($0) ? maker(of: $0).flatMap { IntegerProductNode($0.node) } : nil }
    }
    return products.count == 1 ? products[0] : nil
  }

  /// The constant that the node which makes `id` adds to `product`, by channel.
  private func addedBias(_ id: ValueID, to product: IntegerProductNode) -> [Double]? {
    guard let node = maker(of: id)?.node, let scaled = product.node.outputs.first ?? nil,
      let other = node.inputs.compactMap({ $0 }).first(where: { $0 != scaled }), let constant = floats(other),
      let dims = type(product.node.inputs[1])?.shape?.dims, let channels = product.channels(dims),
      let rank = type(scaled)?.rank,
      let tensor = try? Tensor(constant.values, shape: constant.shape),
      let values = tensor.values(
        alongAxis: product.node.op.is(IntegerConvolution.self) ? 1 : rank - 1, of: rank, size: channels)
    else { return nil }
    return values.count == 1 ? [Double](repeating: values[0], count: channels) : values
  }
}

extension UnaryFunction {
  /// The range of levels to which this limits what is then quantised; `nil` for another function.
  ///
  /// Quantising keeps the order, so that limiting before it and after it are the same.
  func limits(scale: Float, zero: Int, isSigned: Bool) -> QuantizedRange? {
    func level(_ number: Double) -> Int? {
      let ratio = (Float(number) / scale).rounded(.toNearestOrEven)
      if ratio.isNaN { return nil }
      return Int(Swift.min(Swift.max(ratio, -65536), 65536)) + zero
    }
    switch self {
    case .relu: return QuantizedRange(isSigned: isSigned, minimum: zero)
    case .clip(let minimum, let maximum) where minimum <= maximum:
      guard let low = level(minimum), let high = level(maximum) else { return nil }
      return QuantizedRange(isSigned: isSigned, minimum: low, maximum: high)
    default: return nil
    }
  }
}
