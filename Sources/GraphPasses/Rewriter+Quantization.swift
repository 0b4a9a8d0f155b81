import ModelGraph
import Tensors

/// The operands of a `Dequantize` whose scale and zero point are constants.
struct DequantizedValue {
  /// The integers.
  var integers: ValueID
  var type: ElementType
  /// One number, or one for each index along the axis.
  var scale: [Float]
  /// The zero point's value; `nil` for 0.
  var zeroPoint: ValueID?
  var axis: Int
}

extension Rewriter {
  /// The quantised value that `id` is made of.
  func dequantized(_ id: ValueID?) -> DequantizedValue? {
    guard let node = maker(of: id)?.node, let op = node.op.as(Dequantize.self), op.target == .float32,
      node.postOps.isEmpty, node.inputs.count >= 2, let integers = node.inputs[0], let scale = node.inputs[1],
      let type = type(integers)?.elementType, let scales = tensor(scale)?.floats,
      scales.allSatisfy({ $0.isFinite && $0 > 0 })
    else { return nil }
    let zero = node.inputs.count > 2 ? node.inputs[2] : nil
    guard zero == nil || tensor(zero) != nil else { return nil }
    return DequantizedValue(integers: integers, type: type, scale: scales, zeroPoint: zero, axis: op.axis)
  }

  /// The one integer that an operand holds; 0 for one that is left out, `nil` for others.
  func integer(_ id: ValueID?) -> Int? {
    guard let id else { return 0 }
    guard let tensor = tensor(id), tensor.shape.elementCount == 1 else { return nil }
    return tensor.integers?.first
  }

  /// The elements of a constant, or of one that is dequantised with one scale or along its only axis; with its shape.
  func floats(_ id: ValueID?) -> (values: [Float], shape: Shape)? {
    if let tensor = tensor(id), let values = tensor.floats { return (values, tensor.shape) }
    guard let value = dequantized(id), let tensor = tensor(value.integers), let numbers = tensor.integers,
      value.scale.count == 1 || tensor.shape.rank == 1 && value.scale.count == numbers.count
    else { return nil }
    let none = [Int](repeating: 0, count: value.scale.count)
    let zeros = value.zeroPoint.flatMap { self.tensor($0)?.integers } ?? none
    guard zeros.count == value.scale.count, !zeros.isEmpty else { return nil }
    let values = numbers.indices.map { index in
      let channel = value.scale.count == 1 ? 0 : index
      return Float(numbers[index] - zeros[channel]) * value.scale[channel]
    }
    return (values, tensor.shape)
  }
}

/// A product of integers in a graph: a convolution or a matrix multiplication.
struct IntegerProductNode {
  var node: Node
  /// The operands of the operators.
  enum Place {
    static let zeroA = 2
    static let zeroB = 3
    static let bias = 4
    static let scale = 5
    static let zero = 6
  }

  init?(_ node: Node) {
    guard node.op.is(IntegerConvolution.self) || node.op.is(IntegerMatrixMultiply.self) else { return nil }
    self.node = node
  }

  var result: ProductResult {
    get {
      node.op.as(IntegerConvolution.self)?.result ?? node.op.as(IntegerMatrixMultiply.self)?.result ?? .sums
    }
    set {
      if var op = node.op.as(IntegerConvolution.self) {
        op.result = newValue
        node.op = .integerConvolution(op)
      } else if var op = node.op.as(IntegerMatrixMultiply.self) {
        op.result = newValue
        node.op = .integerMatrixMultiply(op)
      }
    }
  }

  /// The operand at a place; `nil` if it is left out.
  subscript(place: Int) -> ValueID? {
    get { place < node.inputs.count ? node.inputs[place] : nil }
    set {
      while node.inputs.count <= place { node.inputs.append(nil) }
      node.inputs[place] = newValue
      while let last = node.inputs.last, last == nil { node.inputs.removeLast() }
    }
  }

  /// The number of channels of the result for weights of these sizes.
  func channels(_ weights: [Int]) -> Int? {
    if node.op.is(IntegerConvolution.self) { return weights.count >= 3 ? weights[0] : nil }
    guard let multiply = node.op.as(IntegerMatrixMultiply.self), weights.count == 2 else { return nil }
    return weights[multiply.transposeB ? 0 : 1]
  }
}
