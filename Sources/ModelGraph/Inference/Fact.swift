import Tensors

/// The knowledge about one value: its type, and its elements if they are few.
package struct Fact {
  var type: ValueType
  /// At most ``Inference/maximumElements``, in row-major order; only where the shape is known.
  private var followed: [Scalar]?
  /// The elements when the value is a constant.
  private var tensor: Tensor?

  init(_ type: ValueType, elements: [Scalar]? = nil) {
    self.type = type
    // Elements that are all unknown say no more than the type does.
    if let elements, elements.count <= Inference.maximumElements,
      elements.isEmpty || elements.contains(where: { $0 != .unknown })
    {
      followed = elements
    }
  }

  init(_ elementType: ElementType, _ dimensions: [Dimension]?, elements: [Scalar]? = nil) {
    self.init(ValueType(elementType, dimensions), elements: elements)
  }

  init(_ tensor: Tensor) {
    type = ValueType(tensor.elementType, tensor.shape)
    self.tensor = tensor
  }

  /// The elements, unless nothing is known of them or they are too many.
  var elements: [Scalar]? { followed ?? tensor?.scalars }

  /// The elements where following them costs little: not those of a float constant of more than 16 elements.
  var cheapElements: [Scalar]? {
    if let followed { return followed }
    guard let tensor, tensor.shape.elementCount <= 16 || !tensor.elementType.isFloatingPoint else {
      return nil
    }
    return tensor.scalars
  }

  /// The elements if a node made them.
  var computedElements: [Scalar]? { followed }

  /// The elements of an integer or boolean constant.
  var constantIntegers: [Int]? {
    guard let tensor, !tensor.elementType.isFloatingPoint,
      tensor.shape.elementCount <= Inference.maximumElements
    else { return nil }
    return tensor.integers
  }

  /// The elements, unknown ones where nothing is known of them; `nil` when their number is not known or too large.
  var elementsOrUnknown: [Scalar]? {
    if let elements { return elements }
    guard let count = type.shape?.elementCount, count <= Inference.maximumElements else { return nil }
    return [Scalar](repeating: .unknown, count: count)
  }

  /// The element of a tensor that has but one.
  var scalar: Scalar? {
    guard let elements, elements.count == 1 else { return nil }
    return elements.first
  }

  /// Returns the certain knowledge about a value that is either of the two.
  func joined(with other: Fact) -> Fact {
    if type.elementType == .sequence {
      return Fact(ValueType(sequence: type.contents?.joined(with: other.type.contents)))
    }
    guard let a = type.dimensions, let b = other.type.dimensions, a.count == b.count else {
      return Fact(type.elementType, nil)
    }
    let dimensions = zip(a, b).map { $0.joined(with: $1) }
    guard a == b, let ours = elements, let theirs = other.elements else {
      return Fact(type.elementType, dimensions)
    }
    return Fact(
      type.elementType, dimensions, elements: zip(ours, theirs).map { $0 == $1 ? $0 : .unknown })
  }
}

/// Reads a small tensor's elements in another order.
///
/// Gives `elements[offset + Σ index[axis] · strides[axis]]` for every index under `dims`, in row-major order. The caller
/// makes sure that these are indices of `elements`; one that is not reads as unknown.
func strided(_ elements: [Scalar], dims: [Int], strides: [Int], offset: Int = 0) -> [Scalar] {
  let count = dims.reduce(1, *)
  var result: [Scalar] = []
  result.reserveCapacity(count)
  var index = [Int](repeating: 0, count: dims.count)
  var position = offset
  for _ in 0..<count {
    result.append(elements.indices.contains(position) ? elements[position] : .unknown)
    for axis in dims.indices.reversed() {
      index[axis] += 1
      position += strides[axis]
      if index[axis] < dims[axis] { break }
      position -= strides[axis] * dims[axis]
      index[axis] = 0
    }
  }
  return result
}

/// The elements of a tensor of shape `from` broadcast to shape `to`, which it can be broadcast to; `nil` when they
/// would be too many.
func broadcast(_ elements: [Scalar], from: Shape, to: Shape) -> [Scalar]? {
  guard to.elementCount <= Inference.maximumElements else { return nil }
  if from == to { return elements }
  let lead = to.rank - from.rank
  let own = from.strides
  let strides = to.dims.indices.map { axis in
    axis < lead || from.dims[axis - lead] == 1 ? 0 : own[axis - lead]
  }
  return strided(elements, dims: to.dims, strides: strides)
}
