import Tensors

/// ONNX `GridSample` over any number of spatial axes: `https://onnx.ai/onnx/operators/onnx__GridSample.html`.
package struct GridSample: Operator {
  package static let name = "gridsample"
  package static let signature = Signature(.data("x"), .data("grid"))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package enum Mode: String, Sendable, Hashable, Codable, Packable { case nearest, linear, cubic }
  package enum Outside: String, Sendable, Hashable, Codable, Packable { case zeros, border, reflection }

  package var mode: Mode
  /// The values outside the image.
  package var outside: Outside
  package var alignCorners: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.mode, \.outside, \.alignCorners) }

  package init(mode: Mode, outside: Outside, alignCorners: Bool) {
    self.mode = mode
    self.outside = outside
    self.alignCorners = alignCorners
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("mode", mode.rawValue), PrintedAttribute("outside", outside.rawValue)]
      + (alignCorners ? [PrintedAttribute("align", "corners")] : [])
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.gridSample()] }

  package func keepsRows(_ rows: BatchRows) -> Bool { rows.allRows }

  /// Linear interpolation between 2 elements along each axis, cubic between 4.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double {
    let taps = mode == .cubic ? 4.0 : mode == .linear ? 2 : 0
    return (2..<max(sizes.rank(0), 2)).reduce(sizes.resultElements) { product, _ in product * taps }
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), .sizes([1, 1, 1]), results: [1, 1, 1])
  }
}

extension Op {
  package static func gridSample(_ gridSample: GridSample) -> Op { Op(gridSample) }
}

extension NodeTyping {
  fileprivate func gridSample() throws(GraphError) -> Fact? {
    if let grid = elementType(1), !grid.isFloatingPoint { throw failure("its grid is \(grid)") }
    guard let type = type(0) else { return nil }
    guard let grid = dimensions(1) else { return Fact(type.elementType, nil) }
    guard grid.count >= 3 else { throw failure("its grid has \(grid.count) axes, where 3 are the least") }
    var batch = grid[0]
    var channels = Dimension.unknown
    if let image = type.dimensions {
      guard image.count == grid.count else {
        throw failure("the image has \(image.count) axes and the grid \(grid.count)")
      }
      batch = try unified(image[0], batch, "the numbers of images and of grids")
      channels = image[1]
    }
    let axes = grid.count - 2
    _ = try unified(grid[grid.count - 1], .known(axes), "the spatial axes of the image and the coordinates")
    return Fact(type.elementType, [batch, channels] + grid[1...axes])
  }
}
