import ModelGraph

extension OperatorImport {
  /// `Resize` and its predecessor.
  static let resizeOperators: [String: OperatorImport] = [
    "Resize": OperatorImport(1...4, since: 10, resize),
    "Upsample": OperatorImport(1...2, until: 9) { node in
      let x = try node.operand(0)
      if node.opset >= 9 { return try scale(node, x, by: try node.operand(1)) }
      try node.checkOperands(1...1)
      if node.opset < 7 {
        guard let height = try node.attributeFloat("height_scale"),
          let width = try node.attributeFloat("width_scale")
        else { throw node.malformed("lacks the attribute 'height_scale' or 'width_scale'") }
        return try scale(node, x, by: try node.constant([1, 1, height, width], "scales"))
      }
      guard let scales = try node.floats("scales") else {
        throw node.malformed("lacks the attribute 'scales'")
      }
      try scale(node, x, by: try node.constant(scales, "scales"))
    },
  ]

  private static let modes: [String: Resize.Mode] = ["nearest": .nearest, "linear": .linear, "cubic": .cubic]

  /// Upsample, and Resize of opset 10: pixel i lies at i / scale. ONNX leaves the rounding open; as in ONNX Runtime,
  /// it is down when the image grows, and up when it shrinks.
  private static func scale(_ node: NodeImport, _ x: ValueID, by scales: ValueID) throws {
    let mode =
      try node.opset < 7
      ? node.choice("mode", default: "nearest", ["nearest": .nearest, "bilinear": .linear])
      : node.choice("mode", default: "nearest", modes)
    let factors = node.tensor(scales)?.floats ?? []
    let shrinks = factors.contains { $0 < 1 }
    func resize(_ rounding: Resize.Rounding) -> Op {
      .resize(Resize(mode: mode, coordinates: .asymmetric, rounding: rounding))
    }
    if mode == .nearest, shrinks, factors.contains(where: { $0 > 1 }) {
      // Axes that shrink first, then those that grow.
      let smaller = node.intermediate(
        resize(.ceiling), [x, nil, try node.constant(factors.map { min($0, 1) }, "smaller/scales")], "smaller"
      )
      return try node.emit(
        resize(.floor), [smaller, nil, try node.constant(factors.map { max($0, 1) }, "scales")])
    }
    try node.emit(resize(shrinks ? .ceiling : .floor), [x, nil, scales])
  }

  private static func resize(_ node: NodeImport) throws {
    let x = try node.operand(0)
    if node.opset == 10 {
      try node.checkOperands(2...2)
      return try scale(node, x, by: try node.operand(1))
    }
    let coordinates = try node.choice(
      "coordinate_transformation_mode", default: "half_pixel",
      [
        "half_pixel": Resize.Coordinates.halfPixel, "pytorch_half_pixel": .pytorchHalfPixel,
        "align_corners": .alignCorners, "asymmetric": .asymmetric,
        "half_pixel_symmetric": .halfPixelSymmetric, "tf_crop_and_resize": .tfCropAndResize,
      ])
    let resize = Resize(
      mode: try node.choice("mode", default: "nearest", modes), coordinates: coordinates,
      rounding: try node.choice(
        "nearest_mode", default: "round_prefer_floor",
        [
          "round_prefer_floor": .preferFloor, "round_prefer_ceil": .preferCeiling, "floor": .floor,
          "ceil": .ceiling,
        ]), cubicCoefficient: try node.float("cubic_coeff_a", default: -0.75),
      excludeOutside: try node.flag("exclude_outside"),
      extrapolationValue: try node.float("extrapolation_value", default: 0),
      antialias: try node.flag("antialias"), axes: try node.integers("axes"),
      aspectRatio: try node.choice(
        "keep_aspect_ratio_policy", default: "stretch",
        ["stretch": .stretch, "not_larger": .notLarger, "not_smaller": .notSmaller]))
    // Opsets 11 and 12 have empty tensors where an operand is left out, and files that are converted from them, as results of
    // nodes too. Only cropping looks at the region.
    let roi = coordinates == .tfCropAndResize ? node.nonEmpty(1) : nil
    let (scales, sizes) = (node.nonEmpty(2), node.nonEmpty(3))
    guard (scales == nil) != (sizes == nil) else {
      throw node.malformed("has both scales and sizes, or neither")
    }
    try node.emit(.resize(resize), [x, roi, scales, sizes])
  }
}

extension NodeImport {
  /// The operand, unless it is left out or known to have no elements.
  fileprivate func nonEmpty(_ index: Int) -> ValueID? {
    optional(index).flatMap { type($0)?.dimensions?.contains(.known(0)) == true ? nil : $0 }
  }
}
