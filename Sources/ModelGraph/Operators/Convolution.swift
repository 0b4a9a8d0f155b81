import Tensors

/// ONNX `Conv`, any number of spatial axes, NCHW.
package struct Convolution: Operator {
  package static let name = "conv"
  package static let signature = Signature(.data("x"), .data("w"), .optional(.data("bias")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true
  package var reals: RealElements { .computed }

  package var strides: [Int]
  package var dilations: [Int]
  package var padding: Padding
  package var groups: Int

  package init(strides: [Int], dilations: [Int], padding: Padding, groups: Int) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.strides, \.dilations, \.padding, \.groups) }

  package var attributes: [PrintedAttribute] {
    (strides.contains { $0 != 1 } ? [PrintedAttribute("strides", strides)] : [])
      + (dilations.contains { $0 != 1 } ? [PrintedAttribute("dilations", dilations)] : [])
      + padding.printedAttributes + (groups == 1 ? [] : [PrintedAttribute("groups", groups)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.convolution(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.resultElements * sizes.elements(1) / sizes.resultSize(1)
  }

  /// The parameters of a window of one place.
  static let smallest = Convolution(strides: [1], dilations: [1], padding: .explicit([0, 0]), groups: 1)

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Convolution.smallest, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1]), results: [1, 1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    guard weights.count >= 3 else { return nil }
    let (channels, overflow) = weights[1].multipliedReportingOverflow(by: groups)
    return overflow ? nil : [1, channels] + weights[2...].map { _ in NominalSize.image }
  }
}

/// The window of a deconvolution is one.
extension Convolution: Packable {}

extension Op {
  package static func convolution(_ convolution: Convolution) -> Op { Op(convolution) }
}

extension NodeTyping {
  fileprivate func convolution(_ convolution: Convolution) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard let result = try convolved(convolution) else { return Fact(type, nil) }
    try checkVector(2, result[1], "bias")
    return Fact(type, result)
  }

  /// The dimensions of the convolution of the first operand by the second; `nil` while theirs are not known.
  func convolved(_ convolution: Convolution) throws(GraphError) -> [Dimension]? {
    guard let image = dimensions(0), let weight = dimensions(1) else { return nil }
    try checkRanks(image, weight)
    guard convolution.groups > 0 else { throw failure("it has \(convolution.groups) groups") }
    let channels = try sized(weight[1].times(.known(convolution.groups)))
    guard image[1].unified(with: channels) != nil else {
      throw failure(
        "the image has \(ValueType.text([image[1]])) channels and the weights want "
          + "\(ValueType.text([weight[1]])) in each of \(convolution.groups) groups")
    }
    if let filters = weight[0].size, filters % convolution.groups != 0 {
      throw failure("\(filters) filters cannot be split into \(convolution.groups) groups")
    }
    var result = [image[0], weight[0]]
    let slides = try self.slides(convolution, kernel: Array(weight.dropFirst(2)))
    for (size, slide) in zip(image.dropFirst(2), slides) {
      result.append(try covered(size, slide, ceilingMode: false))
    }
    return result
  }
}
