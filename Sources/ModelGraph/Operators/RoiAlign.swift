import Tensors

/// ONNX `RoiAlign`: `https://onnx.ai/onnx/operators/onnx__RoiAlign.html`.
package struct RoiAlign: Operator {
  package static let name = "roialign"
  package static let signature = Signature(.data("x"), .data("regions"), .data("images"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package enum Mode: String, Sendable, Hashable, Codable, Packable { case average, maximum }

  package var mode: Mode
  package var height: Int
  package var width: Int
  /// Samples along each axis of a bin; 0: one for each element that the bin covers.
  package var samples: Int
  /// The factor from the regions' coordinates to those of the image.
  package var scale: Double
  /// True if pixel i has its centre at i + ½; then regions may also be smaller than a pixel.
  package var halfPixel: Bool

  /// The most samples along each axis of a bin, for a bound on the work of a region.
  package static let mostSamples = 1024

  package init(mode: Mode, height: Int, width: Int, samples: Int, scale: Double, halfPixel: Bool) {
    self.mode = mode
    self.height = height
    self.width = width
    self.samples = samples
    self.scale = scale
    self.halfPixel = halfPixel
  }

  package static var coding: Coding<Self> {
    Coding(Self.init, \.mode, \.height, \.width, \.samples, \.scale, \.halfPixel)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("mode", mode.rawValue), PrintedAttribute("size", [height, width])]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.roiAlign(self)] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isFixed(0) && rows.isRows(1) && rows.isRows(2)
  }

  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    let samples = Double(samples == 0 ? 2 : samples)
    return sizes.resultElements * 4 * samples * samples
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    var align = self
    (align.height, align.width, align.samples) = (1, 1, 1)
    return SmallestNode(align, operands: operands, results: results)
      .with(.sizes([1, 1, 1, 1]), .sizes([1, 4]), results: [1, 1, 1, 1])
  }
}

extension Op {
  package static func roiAlign(_ roiAlign: RoiAlign) -> Op { Op(roiAlign) }
}

extension NodeTyping {
  fileprivate func roiAlign(_ align: RoiAlign) throws(GraphError) -> Fact? {
    try checkInteger(2, "indices of images")
    var regions = try regions(numbers: 4)
    if let count = try listCount(2) {
      regions = try unified(regions, .known(count), "the numbers of regions and of their images")
    }
    return try pooledRegions(regions, height: align.height, width: align.width)
  }

  /// The number of regions, which operand 1 lists by so many numbers each.
  func regions(numbers: Int) throws(GraphError) -> Dimension {
    try checkSameElementType([0, 1])
    guard let regions = dimensions(1) else { return .unknown }
    guard regions.count == 2 else {
      throw failure("its regions are \(ValueType.text(regions)), not \(numbers) numbers each")
    }
    _ = try unified(regions[1], .known(numbers), "the \(numbers) numbers of a region and those given")
    return regions[0]
  }

  /// An image of the channels of operand 0 for each region.
  func pooledRegions(_ regions: Dimension, height: Int, width: Int) throws(GraphError) -> Fact? {
    guard height > 0, width > 0 else { throw failure("its result is of \(height) by \(width) elements") }
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    if let rank = dimensions(0)?.count, rank != 4 { throw failure("its image has \(rank) axes, not 4") }
    return Fact(type, [regions, dimensions(0)?[1] ?? .unknown, .known(height), .known(width)])
  }
}
