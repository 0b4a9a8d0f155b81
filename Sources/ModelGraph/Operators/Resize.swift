import Tensors

/// ONNX `Resize` and `Upsample`.
package struct Resize: Operator {
  package static let name = "resize"
  package static let signature = Signature(
    .data("x"), .optional(.shape("roi")), .optional(.shape("scales")), .optional(.shape("sizes")))
  package static let family = OperatorFamily.window
  package var reals: RealElements { .computed }

  package enum Mode: String, Sendable, Hashable, Codable, Packable { case nearest, linear, cubic }
  package enum Coordinates: String, Sendable, Hashable, Codable, Packable {
    case halfPixel, pytorchHalfPixel, alignCorners, asymmetric, halfPixelSymmetric, tfCropAndResize
  }
  package enum Rounding: String, Sendable, Hashable, Codable, Packable {
    case preferFloor, preferCeiling, floor, ceiling
  }
  package enum AspectRatio: String, Sendable, Hashable, Codable, Packable {
    case stretch, notLarger, notSmaller
  }
  package var mode: Mode
  package var coordinates: Coordinates
  package var rounding: Rounding
  package var cubicCoefficient: Double
  package var excludeOutside: Bool
  package var extrapolationValue: Double
  package var antialias: Bool
  /// The axes that scales and sizes speak of; `nil`: all.
  package var axes: [Int]?
  package var aspectRatio: AspectRatio

  package init(
    mode: Mode, coordinates: Coordinates = .halfPixel, rounding: Rounding = .preferFloor,
    cubicCoefficient: Double = -0.75, excludeOutside: Bool = false, extrapolationValue: Double = 0,
    antialias: Bool = false, axes: [Int]? = nil, aspectRatio: AspectRatio = .stretch
  ) {
    self.mode = mode
    self.coordinates = coordinates
    self.rounding = rounding
    self.cubicCoefficient = cubicCoefficient
    self.excludeOutside = excludeOutside
    self.extrapolationValue = extrapolationValue
    self.antialias = antialias
    self.axes = axes
    self.aspectRatio = aspectRatio
  }

  package static var coding: Coding<Self> {
    Coding(
      Self.init, \.mode, \.coordinates, \.rounding, \.cubicCoefficient, \.excludeOutside,
      \.extrapolationValue, \.antialias, \.axes, \.aspectRatio)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("mode", mode.rawValue), PrintedAttribute("at", coordinates.rawValue)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.resize(self)] }

  /// The resized axes are inner ones: either the named ones, or all of them with a scale of 1 for the first.
  package func keepsRows(_ rows: BatchRows) -> Bool {
    guard rows.isRows(0), rows.restIsNotRows, let rank = rows.rank(0) else { return false }
    if let axes { return axes.allSatisfy { rows.isInner($0, of: 0) } }
    if coordinates == .tfCropAndResize { return false }
    if let scales = rows.floats(2), !scales.isEmpty { return scales.count == rank && scales[0] == 1 }
    // By sizes: the first one is certain to be the number of rows.
    guard let sizes = rows.sizes(3) else { return false }
    return aspectRatio == .stretch && sizes.count == rank && sizes[0] == rows.batch
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Resize(mode: mode), operands: operands, results: results)
      .with(.sizes([1]), .absent, .absent, .absent)
  }
}

extension Op {
  package static func resize(_ resize: Resize) -> Op { Op(resize) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Resize.html`; an empty list counts as one that is left out.
  fileprivate func resize(_ resize: Resize) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard var dimensions = type.dimensions else { return Fact(type) }
    let rank = dimensions.count
    let axes =
      try resize.axes.map { axes throws(GraphError) in try normalized(axes, rank: rank) } ?? Array(0..<rank)
    let scales = try given(2)
    let sizes = try given(3)
    if scales == nil, sizes == nil {
      guard isOpen(2) || isOpen(3) else { throw failure("neither scales nor sizes are given") }
      for axis in axes { dimensions[axis] = .unknown }
      return Fact(type.elementType, dimensions)
    }
    if let sizes {
      try checkCount(sizes, axes, "sizes")
      for (axis, size) in try zip(axes, fitted(sizes, resize.aspectRatio, axes.map { dimensions[$0] })) {
        if let size = size.size, size < 0 { throw failure("a size is \(size)") }
        dimensions[axis] = size
      }
    } else if let scales {
      try checkCount(scales, axes, "scales")
      let roi = resize.coordinates == .tfCropAndResize ? try list(1) ?? [] : nil
      for (position, axis) in axes.enumerated() {
        var extent: Scalar = .real(1)
        if let roi {
          guard roi.count == 2 * axes.count else {
            throw failure("its region of interest has \(roi.count) numbers")
          }
          extent = BinaryFunction.subtract(roi[position + axes.count], roi[position], .float32)
        }
        dimensions[axis] = try scaled(dimensions[axis], by: scales[position], of: extent)
      }
    }
    return Fact(type.elementType, dimensions)
  }

  /// The list if it is there and has elements; `nil` too when its length is not known.
  fileprivate func given(_ index: Int) throws(GraphError) -> [Scalar]? {
    guard has(index), let list = try list(index), !list.isEmpty else { return nil }
    return list
  }

  /// Returns true if it is not yet known whether an operand is given.
  fileprivate func isOpen(_ index: Int) -> Bool {
    guard has(index) else { return false }
    guard let dimensions = dimensions(index) else { return true }
    return dimensions.contains { $0.size == nil }
  }

  fileprivate func checkCount(_ list: [Scalar], _ axes: [Int], _ what: String) throws(GraphError) {
    guard list.count == axes.count else {
      throw failure("\(list.count) \(what) are given for \(axes.count) axes")
    }
  }

  /// ⌊size · extent · scale⌋, in 32-bit arithmetic as everywhere.
  fileprivate func scaled(_ size: Dimension, by scale: Scalar, of extent: Scalar) throws(GraphError)
    -> Dimension
  {
    if let factor = scale.number, !(factor > 0 && factor.isFinite) { throw failure("a scale is \(factor)") }
    if scale.number == 1, extent.number == 1 { return size }
    guard let known = size.size, let scale = scale.number, let extent = extent.number else { return .unknown }
    let product = Float(known) * Float(extent) * Float(scale)
    guard let result = Int(exactly: product.rounded(.down)), result >= 0 else {
      throw failure("a size of the result is out of bounds")
    }
    return .known(result)
  }

  /// The sizes, made smaller or larger so that the image keeps its proportions.
  fileprivate func fitted(_ sizes: [Scalar], _ aspectRatio: Resize.AspectRatio, _ current: [Dimension])
    throws(GraphError) -> [Dimension]
  {
    let wanted = sizes.map(\.dimension)
    if aspectRatio == .stretch { return wanted }
    var ratios: [Float] = []
    if current.contains(where: { $0.size == 0 }) {
      throw failure("an axis of its image is empty, and has no proportion to keep")
    }
    for (size, old) in zip(wanted, current) {
      guard let size = size.size, let old = old.size else { return wanted.map { _ in .unknown } }
      ratios.append(Float(size) / Float(old))
    }
    let ratio = aspectRatio == .notLarger ? ratios.min() : ratios.max()
    var result: [Dimension] = []
    for old in current {
      let size = Float(old.size ?? 0) * (ratio ?? 1)
      guard let rounded = Int(exactly: size.rounded()) else {
        throw failure("a size of the result is out of bounds")
      }
      result.append(.known(rounded))
    }
    return result
  }
}
