import ModelGraph
import Tensors

extension Pass {
  /// Takes the zero points out of products of integers with constant weights, so that kernels multiply `uint8` by `int8` as they
  /// are: those of the weights are subtracted from them where the differences fit `int8`; that of the activation becomes a part
  /// of the bias. A convolution that pads is given a padded image.
  public static let integerZeroPoints = Pass(name: "integer zero points", kind: .simplification) { graph, _ in
    // One after the other: nodes that a rewrite puts in the same place may not read each other.
    let prepared = try Rewriter.rewrite(&graph) { rewriter, index in
      guard let product = IntegerProductNode(rewriter[index]), product.node.postOps.isEmpty else {
        return false
      }
      if try rewriter.centreWeights(index, product) { return true }
      return try rewriter.movableWeights(product) != nil && rewriter.makeUnsigned(index, product)
    }
    return try prepared
      + Rewriter.rewrite(&graph) { rewriter, index in
        guard let product = IntegerProductNode(rewriter[index]), product.node.postOps.isEmpty,
          let (weights, channels) = rewriter.movableWeights(product)
        else { return false }
        return try rewriter.moveZero(index, product, weights, channels: channels)
      }
  }
}

extension Rewriter {
  /// The weights of a product, and how many channels they have, when they are constants without a zero point.
  fileprivate func movableWeights(_ product: IntegerProductNode) -> (weights: Tensor, channels: Int)? {
    guard let weights = tensor(product.node.inputs[1]), weights.elementType == .int8,
      weights.shape.elementCount > 0, product[IntegerProductNode.Place.zeroB] == nil,
      let channels = product.channels(weights.shape.dims)
    else { return nil }
    return (weights, channels)
  }

  /// Subtracts a constant zero point from constant weights.
  fileprivate mutating func centreWeights(_ index: Int, _ product: IntegerProductNode) throws -> Bool {
    guard let id = product.node.inputs[1], let weights = tensor(id), weights.shape.elementCount > 0 else {
      return false
    }
    let zeroID = product[IntegerProductNode.Place.zeroB]
    guard zeroID != nil || weights.elementType == .uint8, let channels = product.channels(weights.shape.dims)
    else { return false }
    var zeros = [0]
    if let zeroID {
      guard let known = tensor(zeroID)?.integers, known.count == 1 || known.count == channels else {
        return false
      }
      zeros = known
    }
    guard let centred = try WeightLayout(product, weights.shape.dims).centred(weights, zeros) else {
      return false
    }
    var changed = product
    changed.node.inputs[1] = addConstant("\(graph[id].name)/centred", centred)
    changed[IntegerProductNode.Place.zeroB] = nil
    replace(index, with: changed.node)
    return true
  }

  /// Gives a product whose first operand is `int8` that operand and its zero point as `uint8`.
  fileprivate mutating func makeUnsigned(_ index: Int, _ product: IntegerProductNode) throws -> Bool {
    guard let a = product.node.inputs[0], type(a)?.elementType == .int8 else { return false }
    var changed = product
    changed.node.inputs[0] = try raised(a, before: index)
    if let zero = product[IntegerProductNode.Place.zeroA] {
      changed[IntegerProductNode.Place.zeroA] = try raised(zero, before: index)
    } else {
      changed[IntegerProductNode.Place.zeroA] = addConstant(
        "\(product.node.name)/zero", try Tensor([UInt8(128)], shape: .scalar))
    }
    replace(index, with: changed.node)
    return true
  }

  /// An `int8` value plus 128, as `uint8`: with the highest bit the other way round.
  private mutating func raised(_ id: ValueID, before index: Int) throws -> ValueID {
    let name = graph[id].name
    let dimensions = type(id)?.dimensions
    let bit = addConstant("\(name)/bit", try Tensor([Int8.min], shape: .scalar))
    let turned = addValue("\(name)/turned", type: ValueType(.int8, dimensions))
    let unsigned = addValue("\(name)/unsigned", type: ValueType(.uint8, dimensions))
    // A node that is put in comes behind those put in before it for the same place.
    insert(
      Node(name: "\(name)/unsigned", op: .cast(.uint8), inputs: [turned], outputs: [unsigned]), before: index)
    insert(
      Node(name: "\(name)/turned", op: .binary(.bitwiseXor), inputs: [id, bit], outputs: [turned]),
      before: index)
    return unsigned
  }

  /// Replaces the zero point of the first operand by its product with the sums of the weights, in the bias.
  fileprivate mutating func moveZero(
    _ index: Int, _ product: IntegerProductNode, _ weights: Tensor, channels: Int
  ) throws -> Bool {
    guard let zero = product[IntegerProductNode.Place.zeroA], type(zero)?.shape?.elementCount == 1,
      type(product.node.inputs[0])?.elementType == .uint8
    else { return false }
    var changed = product
    if let convolution = product.node.op.as(IntegerConvolution.self) {
      guard case .explicit(let pads) = convolution.window.padding else { return false }
      if pads.contains(where: { $0 != 0 }), integer(zero) != 0 {
        try pad(&changed, convolution, pads, with: zero, before: index)
      }
    }
    changed[IntegerProductNode.Place.zeroA] = nil
    guard integer(zero) != 0 else {
      replace(index, with: changed.node)
      return true
    }
    let sums = try WeightLayout(product, weights.shape.dims).sums(weights)
    let name = product.node.name
    let place = IntegerProductNode.Place.bias
    let shape = try Shape(checking: [channels])
    let oldBias = product[place]
    if let number = integer(zero), oldBias == nil || tensor(oldBias) != nil {
      let old = tensor(oldBias)?.integers ?? [0]
      guard old.count == 1 || old.count == channels else { return false }
      let bias = sums.indices.map { channel in
        Int32(truncatingIfNeeded: old[old.count == 1 ? 0 : channel])
          &- Int32(truncatingIfNeeded: number) &* sums[channel]
      }
      changed[place] = addConstant("\(name)/bias", try Tensor(bias, shape: shape))
    } else {
      changed[place] = try bias(
        minus: zero, times: addConstant("\(name)/sums", try Tensor(sums.map { 0 &- $0 }, shape: shape)),
        plus: oldBias, name, shape, before: index)
    }
    replace(index, with: changed.node)
    return true
  }

  /// Nodes that compute a bias from a zero point that the model computes.
  /// - Parameter negated: the sums of the weights, negated.
  private mutating func bias(
    minus zero: ValueID, times negated: ValueID, plus bias: ValueID?, _ name: String, _ shape: Shape,
    before index: Int
  ) throws -> ValueID {
    let number = addValue("\(name)/zeroNumber", type: ValueType(.int32, type(zero)?.dimensions))
    let flat = addValue("\(name)/zeroVector", type: ValueType(.int32, try Shape(checking: [1])))
    let shift = addValue("\(name)/shift", type: ValueType(.int32, shape))
    let one = addConstant("\(name)/one", try Tensor([Int64(1)], shape: Shape(checking: [1])))
    var nodes = [
      Node(name: "\(name)/zeroNumber", op: .cast(.int32), inputs: [zero], outputs: [number]),
      Node(
        name: "\(name)/zeroVector", op: .reshape(allowZero: false), inputs: [number, one], outputs: [flat]),
      Node(name: "\(name)/shift", op: .binary(.multiply), inputs: [flat, negated], outputs: [shift]),
    ]
    var result = shift
    if let bias {
      result = addValue("\(name)/shifted", type: ValueType(.int32, shape))
      nodes.append(
        Node(name: "\(name)/shifted", op: .binary(.add), inputs: [shift, bias], outputs: [result]))
    }
    for node in nodes.reversed() { insert(node, before: index) }
    return result
  }

  /// Pads the image with the zero point, in place of the convolution.
  private mutating func pad(
    _ product: inout IntegerProductNode, _ convolution: IntegerConvolution, _ pads: [Int], with zero: ValueID,
    before index: Int
  ) throws {
    let axes = pads.count / 2
    let amounts = [0, 0] + pads.prefix(axes) + [0, 0] + pads.suffix(axes)
    let name = product.node.name
    let shape = try Shape(checking: [amounts.count])
    let given = addConstant("\(name)/pads", try Tensor(amounts.map { Int64($0) }, shape: shape))
    let image = product.node.inputs[0]
    let dimensions = type(image)?.dimensions?.enumerated().map { axis, size -> Dimension in
      guard axis < axes + 2, let known = size.size else { return axis < 2 ? size : .unknown }
      let begun = known.addingReportingOverflow(amounts[axis])
      let whole = begun.partialValue.addingReportingOverflow(amounts[axis + axes + 2])
      return begun.overflow || whole.overflow ? .unknown : .known(whole.partialValue)
    }
    let padded = addValue("\(name)/padded", type: ValueType(.uint8, dimensions))
    insert(
      Node(name: "\(name)/pad", op: .pad(.constant), inputs: [image, given, zero], outputs: [padded]),
      before: index)
    product.node.inputs[0] = padded
    var window = convolution.window
    window.padding = .explicit([Int](repeating: 0, count: pads.count))
    product.node.op = .integerConvolution(IntegerConvolution(window: window, result: convolution.result))
  }
}

/// The channel of each element of weights: they are `[outer, channels, inner]`.
private struct WeightLayout {
  let outer: Int
  let channels: Int
  let inner: Int

  init(_ product: IntegerProductNode, _ dims: [Int]) {
    let multiply = product.node.op.as(IntegerMatrixMultiply.self)
    let isLast = multiply.map { !$0.transposeB } ?? false
    let rest = dims.dropFirst().reduce(1, *)
    (outer, channels, inner) = isLast ? (dims[0], rest, 1) : (1, dims[0], rest)
  }

  /// `weights` with a zero point subtracted, as `int8`; `nil` if a difference does not fit.
  func centred(_ weights: Tensor, _ zeros: [Int]) throws -> Tensor? {
    let isSigned = weights.elementType == .int8
    var fits = true
    let centred = try Tensor(elementType: .int8, shape: weights.shape) { memory in
      weights.withUnsafeBytes { bytes in
        var index = 0
        for _ in 0..<outer {
          for channel in 0..<channels {
            let zero = zeros[zeros.count == 1 ? 0 : channel]
            for _ in 0..<inner {
              let number = isSigned ? Int(Int8(bitPattern: bytes[index])) : Int(bytes[index])
              let difference = Int8(truncatingIfNeeded: number &- zero)
              if Int(difference) != number &- zero { fits = false }
              memory[index] = UInt8(bitPattern: difference)
              index += 1
            }
          }
        }
      }
    }
    return fits ? centred : nil
  }

  /// The sum of the `int8` weights of each channel.
  func sums(_ weights: Tensor) throws -> [Int32] {
    var sums = [Int32](repeating: 0, count: channels)
    weights.withUnsafeBytes { bytes in
      var index = 0
      for _ in 0..<outer {
        for channel in 0..<channels {
          for _ in 0..<inner {
            sums[channel] = sums[channel] &+ Int32(Int8(bitPattern: bytes[index]))
            index += 1
          }
        }
      }
    }
    return sums
  }
}
