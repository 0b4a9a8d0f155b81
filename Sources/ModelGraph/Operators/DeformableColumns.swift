import Tensors

/// The columns that a deformable convolution multiplies with its weights: for each tap of the window, the image sampled
/// at the tap's place plus an offset of its own.
///
/// Operands are those of ONNX `DeformConv` (`https://onnx.ai/onnx/operators/onnx__DeformConv.html`) without weights and
/// bias: x, offset, mask. The result is [images, groups, channels of a group · taps, places of the window].
package struct DeformableColumns: Operator {
  package static let name = "deformcolumns"
  package static let signature = Signature(.data("x"), .data("offset"), .optional(.data("mask")))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  /// The sizes of the window.
  package var kernel: [Int]
  package var window: Convolution
  /// The channels of each of so many groups share their offsets.
  package var offsetGroups: Int

  package init(kernel: [Int], window: Convolution, offsetGroups: Int) {
    self.kernel = kernel
    self.window = window
    self.offsetGroups = offsetGroups
  }

  package static var coding: Coding<Self> { Coding(Self.init, \.kernel, \.window, \.offsetGroups) }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("window", kernel)] + window.attributes
      + (offsetGroups == 1 ? [] : [PrintedAttribute("offsetgroups", offsetGroups)])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    [try node.deformableColumns(self)]
  }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.allRows }

  /// Linear interpolation between 2 elements along each axis.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    kernel.reduce(sizes.resultElements) { product, _ in product * 2 }
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(
      DeformableColumns(kernel: [1], window: .smallest, offsetGroups: 1), operands: operands, results: results
    ).with(.sizes([1, 1, 1]), .sizes([1, 1, 1]), .sizes([1, 1, 1]), results: [1, 1, 1, 1])
  }
}

extension Op {
  package static func deformableColumns(_ columns: DeformableColumns) -> Op { Op(columns) }
}

extension NodeTyping {
  fileprivate func deformableColumns(_ columns: DeformableColumns) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    let groups = columns.window.groups
    guard groups > 0, columns.offsetGroups > 0 else {
      throw failure("it has \(groups) groups and \(columns.offsetGroups) of offsets")
    }
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    let axes = columns.kernel.count
    let slides = try self.slides(columns.window, kernel: columns.kernel.map { .known($0) })
    guard let image = dimensions(0) else {
      return Fact(type, [.unknown, .known(groups), .unknown, .unknown])
    }
    guard image.count == axes + 2 else {
      throw failure("its image has \(image.count) axes, and its window \(axes)")
    }
    if let channels = image[1].size, channels % groups != 0 || channels % columns.offsetGroups != 0 {
      throw failure("\(channels) channels cannot be split into its groups")
    }
    var taps = Dimension.known(1)
    for size in columns.kernel { taps = try sized(taps.times(.known(size))) }
    var places: [Dimension] = []
    for (size, slide) in zip(image.dropFirst(2), slides) {
      places.append(try covered(size, slide, ceilingMode: false))
    }
    let offsets = try sized(taps.times(.known(columns.offsetGroups)))
    let coordinates = try sized(offsets.times(.known(axes)))
    try checkDimensions(1, [image[0], coordinates] + places, "offsets")
    try checkDimensions(2, [image[0], offsets] + places, "masks")
    let channels = image[1].size.map { .known($0 / groups) } ?? (groups == 1 ? image[1] : .unknown)
    let place = try sized(DimensionProduct(places)?.dimension)
    return Fact(type, [image[0], .known(groups), try sized(channels.times(taps)), place])
  }
}
