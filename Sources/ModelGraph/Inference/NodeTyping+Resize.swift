import Tensors

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Resize.html`; an empty list counts as one that is left out.
  func resize(_ resize: Resize) throws(GraphError) -> Fact? {
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
  private func given(_ index: Int) throws(GraphError) -> [Scalar]? {
    guard has(index), let list = try list(index), !list.isEmpty else { return nil }
    return list
  }

  /// Returns true if it is not yet known whether an operand is given.
  private func isOpen(_ index: Int) -> Bool {
    guard has(index) else { return false }
    guard let dimensions = dimensions(index) else { return true }
    return dimensions.contains { $0.size == nil }
  }

  private func checkCount(_ list: [Scalar], _ axes: [Int], _ what: String) throws(GraphError) {
    guard list.count == axes.count else {
      throw failure("\(list.count) \(what) are given for \(axes.count) axes")
    }
  }

  /// ⌊size · extent · scale⌋, in 32-bit arithmetic as everywhere.
  private func scaled(_ size: Dimension, by scale: Scalar, of extent: Scalar) throws(GraphError) -> Dimension
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
  private func fitted(_ sizes: [Scalar], _ aspectRatio: Resize.AspectRatio, _ current: [Dimension])
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
