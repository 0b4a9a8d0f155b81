import Tensors

/// ONNX `Col2Im`: adds the columns of a sliding window into an image, `https://onnx.ai/onnx/operators/onnx__Col2Im.html`.
package struct ColumnsToImage: Operator {
  package static let name = "col2im"
  package static let signature = Signature(.data("columns"), .shape("image"), .shape("block"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package var strides: [Int]
  package var dilations: [Int]
  /// Begins of every spatial axis, then ends.
  package var pads: [Int]

  package init(strides: [Int], dilations: [Int], pads: [Int]) {
    self.strides = strides
    self.dilations = dilations
    self.pads = pads
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.strides, \.dilations, \.pads) }

  package var attributes: [PrintedAttribute] {
    Convolution(strides: strides, dilations: dilations, padding: .explicit(pads), groups: 1).attributes
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.columnsToImage(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.isRows(0) && rows.restIsFixed }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      ColumnsToImage(strides: [1], dilations: [1], pads: [0, 0]), operands: operands, results: results
    ).with(.sizes([1, 1, 1]), .integers([1]), .integers([1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func columnsToImage(strides: [Int], dilations: [Int], pads: [Int]) -> Op {
    Op(ColumnsToImage(strides: strides, dilations: dilations, pads: pads))
  }
}

extension NodeTyping {
  fileprivate func columnsToImage(_ columns: ColumnsToImage) throws(GraphError) -> Fact? {
    try checkInteger(1, "image sizes")
    try checkInteger(2, "block sizes")
    let axes = columns.strides.count
    for index in 1...2 {
      if let count = try listCount(index), count != axes {
        throw failure("operand \(index) has \(count) sizes for \(axes) spatial axes")
      }
    }
    guard let type = type(0) else { return nil }
    let image = try list(1)?.map(\.dimension) ?? [Dimension](repeating: .unknown, count: axes)
    let block = try list(2)?.map(\.dimension) ?? [Dimension](repeating: .unknown, count: axes)
    guard !image.contains(where: { $0.size ?? 0 < 0 }) else {
      throw failure("a size of its image is negative")
    }
    let slides = try self.slides(
      Convolution(
        strides: columns.strides, dilations: columns.dilations, padding: .explicit(columns.pads), groups: 1),
      kernel: block)
    var (batch, channels) = (Dimension.unknown, Dimension.unknown)
    if let given = type.dimensions {
      guard given.count == 3 else { throw failure("its columns have \(given.count) axes, not 3") }
      guard let rows = DimensionProduct([given[1]]), let taps = DimensionProduct(block) else {
        throw failure("its block is larger than this machine can address")
      }
      let quotient = rows.divided(by: taps)
      guard !quotient.remainder else { throw failure("its columns are not whole blocks") }
      (batch, channels) = (given[0], quotient.quotient)
      var places: [Dimension] = []
      for (size, slide) in zip(image, slides) { places.append(try covered(size, slide, ceilingMode: false)) }
      if let count = DimensionProduct(places)?.dimension {
        _ = try unified(count, given[2], "the places of the block and the columns")
      }
    }
    return Fact(type.elementType, [batch, channels] + image)
  }
}
