import Tensors

/// ONNX `ConvTranspose`.
package struct Deconvolution: Operator {
  package static let name = "deconv"
  package static let signature = Signature(.data("x"), .data("w"), .optional(.data("bias")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true
  package var reals: RealElements { .computed }

  package var window: Convolution
  package var outputPadding: [Int]
  /// Spatial sizes of the result when the model gives them (padding then follows).
  package var outputShape: [Int]?

  package init(window: Convolution, outputPadding: [Int], outputShape: [Int]?) {
    self.window = window
    self.outputPadding = outputPadding
    self.outputShape = outputShape
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.window, \.outputPadding, \.outputShape) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.deconvolution(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package var attributes: [PrintedAttribute] {
    window.attributes
      + (outputPadding.contains { $0 != 0 } ? [PrintedAttribute("outputpadding", outputPadding)] : [])
      + (outputShape.map { [PrintedAttribute("outputshape", $0)] } ?? [])
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) * sizes.elements(1) / sizes.size(1, of: 0)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      Deconvolution(window: .smallest, outputPadding: [0], outputShape: nil), operands: operands,
      results: results
    ).with(.sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1]), results: [1, 1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    guard weights.count >= 3 else { return nil }
    return [1, weights[0]] + weights[2...].map { _ in NominalSize.image }
  }
}

extension Op {
  package static func deconvolution(_ deconvolution: Deconvolution) -> Op { Op(deconvolution) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__ConvTranspose.html`
  fileprivate func deconvolution(_ deconvolution: Deconvolution) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard let image = dimensions(0), let weight = dimensions(1) else { return Fact(type, nil) }
    try checkRanks(image, weight)
    let window = deconvolution.window
    guard window.groups > 0 else { throw failure("it has \(window.groups) groups") }
    _ = try unified(image[1], weight[0], "the channels of the image and of the weights")
    if let channels = weight[0].size, channels % window.groups != 0 {
      throw failure("\(channels) channels cannot be split into \(window.groups) groups")
    }
    let filters = try sized(weight[1].times(.known(window.groups)))
    try checkVector(2, filters, "bias")
    var result = [image[0], filters]
    let slides = try self.slides(window, kernel: Array(weight.dropFirst(2)))
    let extra = deconvolution.outputPadding
    guard extra.isEmpty || extra.count == slides.count else {
      throw failure("its output padding \(extra) is not of \(slides.count) spatial axes")
    }
    for (axis, slide) in slides.enumerated() where !extra.isEmpty {
      guard extra[axis] >= 0, extra[axis] < max(slide.stride, slide.dilation) else {
        throw failure(
          "its output padding \(extra) has to be smaller than the strides \(window.strides) or the dilations "
            + "\(window.dilations)")
      }
    }
    // As in ONNX Runtime, less than a stride may follow what the window reaches: the bias alone.
    if let shape = deconvolution.outputShape {
      guard shape.count == slides.count else {
        throw failure("its output shape \(shape) is not of \(slides.count) spatial axes")
      }
      for (axis, slide) in slides.enumerated() {
        var uncut = slide
        uncut.padding = (0, 0)
        let reached = try spread(image[axis + 2], uncut, outputPadding: extra.isEmpty ? 0 : extra[axis])
        if let most = try sized(reached.plus(slide.stride - 1)).size, shape[axis] > most {
          throw failure("its output shape \(shape) is larger than the window reaches, which is \(most)")
        }
      }
      return Fact(type, result + shape.map { .known($0) })
    }
    for (axis, slide) in slides.enumerated() {
      result.append(try spread(image[axis + 2], slide, outputPadding: extra.isEmpty ? 0 : extra[axis]))
    }
    return Fact(type, result)
  }
}
