import Tensors

/// ONNX `Conv` of one group with weights of 8 or 16 bits, which stay in memory as they are.
///
/// Operands, weights and scale are those of ``SmallProduct``. The image is NCHW; the depth of the weights is the
/// taps of the window, and for each tap all channels; their columns are the filters. A column has one scale.
package struct SmallConvolution: Operator {
  package static let name = "conv.small"
  package static let signature = Signature(
    .data("x"), .data("weights"), .optional(.data("scale")), .optional(.data("bias")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  package var window: Convolution
  /// The sizes of the window.
  package var kernel: [Int]
  package var filters: Int

  package init(window: Convolution, kernel: [Int], filters: Int) {
    self.window = window
    self.kernel = kernel
    self.filters = filters
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.window, \.kernel, \.filters) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("kernel", kernel), PrintedAttribute("filters", filters)] + window.attributes
  }

  /// The places of the window; `nil` when their number cannot be held.
  package var taps: Int? {
    kernel.reduce(1) { (taps: Int?, size) in
      guard let taps, size > 0, case let (product, overflow) = taps.multipliedReportingOverflow(by: size)
      else { return nil }
      return overflow ? nil : product
    }
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard let taps, window.groups == 1 else {
      throw node.failure("its window is \(kernel) in \(window.groups) groups")
    }
    try node.checkSmallWeights(columns: filters, block: .max)
    guard let image = node.dimensions(0) else { return [Fact(.float32, nil)] }
    guard image.count >= 3, image.count == kernel.count + 2 else {
      throw node.failure("the image has \(image.count) axes and the window \(kernel.count)")
    }
    if let weights = node.dimensions(1) {
      let depth = try node.sized(image[1].times(.known(taps)))
      _ = try node.unified(depth, weights[1], "the channels of the image and of the weights")
    }
    let slides = try node.slides(window, kernel: kernel.map { .known($0) })
    var result = [image[0], .known(filters)]
    for (size, slide) in zip(image.dropFirst(2), slides) {
      result.append(try node.covered(size, slide, ceilingMode: false))
    }
    return [Fact(.float32, result)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double { sizes.resultElements * sizes.size(1, of: 1) }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    let smallest = SmallConvolution(window: .smallest, kernel: [1], filters: 1)
    return SmallestNode(smallest, operands: operands, results: results).with(
      .sizes([1, 1, 1]), .sizes([1, 1, SmallPanels.width]), .sizes([1, 1, SmallPanels.width]), .sizes([1]),
      results: [1, 1, 1])
  }

  package func nominalShape(weights: [Int], rank: Int?) -> [Int]? {
    guard weights.count == 3, let taps, taps > 0 else { return nil }
    return [1, weights[1] / taps] + kernel.map { _ in NominalSize.image }
  }
}

extension Op {
  package static func smallConvolution(_ convolution: SmallConvolution) -> Op { Op(convolution) }
}
