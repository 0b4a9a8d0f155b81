import Tensors

/// ONNX `DFT`: x, axis, length. The last axis of x holds real parts, or real and imaginary parts:
/// `https://onnx.ai/onnx/operators/onnx__DFT.html`.
package struct FourierTransform: Operator {
  package static let name = "dft"
  package static let signature = Signature(.data("x"), .shape("axis"), .optional(.shape("length")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  package var inverse: Bool
  /// True if only the first half of the spectrum is computed, or given; the signal is then real.
  package var oneSided: Bool

  package init(inverse: Bool, oneSided: Bool) {
    self.inverse = inverse
    self.oneSided = oneSided
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.inverse, \.oneSided) }

  package var attributes: [PrintedAttribute] {
    (inverse ? [PrintedAttribute("direction", "inverse")] : [])
      + (oneSided ? [PrintedAttribute("spectrum", "one-sided")] : [])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.fourier(self)] }

  // Rows are not independent: kernels transform two real lines as one complex line, so that a NaN of one reaches the other.

  /// About 5 n log₂ n, of a length that is taken to be a thousand or so.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double { sizes.resultElements * 25 }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1]), .integers([0]), .integers([1]), results: [1, inverse && oneSided ? 1 : 2])
  }
}

extension Op {
  package static func fourierTransform(inverse: Bool, oneSided: Bool) -> Op {
    Op(FourierTransform(inverse: inverse, oneSided: oneSided))
  }
}

extension NodeTyping {
  fileprivate func fourier(_ transform: FourierTransform) throws(GraphError) -> Fact? {
    try checkInteger(1, "axis")
    try checkInteger(2, "length")
    guard let type = type(0) else { return nil }
    guard type.elementType.isFloatingPoint else { throw failure("its signal is \(type.elementType)") }
    guard var dimensions = type.dimensions else { return Fact(type.elementType, nil) }
    try checkParts(dimensions)
    let axis = try soleNumber(1, "axis")
    var length: Dimension?
    if has(2) { length = try soleNumber(2, "length").dimension }
    if let size = length?.size, size < 1 { throw failure("its length is \(size)") }
    let last = dimensions.count - 1
    dimensions[last] = .known(transform.inverse && transform.oneSided ? 1 : 2)
    guard let axis = axis.integer else {
      for axis in 0..<last { dimensions[axis] = .unknown }
      return Fact(type.elementType, dimensions)
    }
    let place = try normalized(axis, rank: dimensions.count)
    guard place != last else { throw failure("the last axis holds real and imaginary parts, and no signal") }
    let size = dimensions[place]
    if transform.oneSided, transform.inverse {
      dimensions[place] = try sized(length ?? size.plus(-1)?.times(.known(2)))
      if let count = dimensions[place].size, count < 1 {
        throw failure("its spectrum is of \(count) numbers")
      }
    } else {
      dimensions[place] = try spectrum(length ?? size, oneSided: transform.oneSided)
    }
    return Fact(type.elementType, dimensions)
  }

  /// Checks that the last axis of a signal holds real parts, or real and imaginary ones.
  func checkParts(_ dimensions: [Dimension]) throws(GraphError) {
    guard dimensions.count >= 2, dimensions.last?.size.map({ 1...2 ~= $0 }) ?? true else {
      throw failure("the last axis of its signal holds neither real parts nor complex numbers")
    }
  }

  /// The number of frequencies of a signal of so many elements.
  func spectrum(_ length: Dimension, oneSided: Bool) throws(GraphError) -> Dimension {
    guard oneSided else { return length }
    guard let size = length.size else { return .unknown }
    return .known(size / 2 + 1)
  }

  /// The number that an operand is, as far as known.
  func soleNumber(_ index: Int, _ what: String) throws(GraphError) -> Scalar {
    guard let list = try list(index) else { return .unknown }
    guard list.count == 1, let number = list.first else {
      throw failure("its \(what) is \(list.count) numbers")
    }
    return number
  }
}
