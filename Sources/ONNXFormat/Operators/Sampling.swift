import ModelGraph
import Tensors

extension OperatorImport {
  /// Sampling of images between their elements, pooling of regions, and the inverse operators of windows.
  static let samplingOperators: [String: OperatorImport] = [
    "GridSample": OperatorImport(2...2, since: 16) { node in
      // Modes had the names of two axes before opset 20; both are read in every opset, as exporters mix them up.
      let mode = try node.choice(
        "mode", default: "linear",
        [
          "nearest": GridSample.Mode.nearest, "linear": .linear, "bilinear": .linear, "cubic": .cubic,
          "bicubic": .cubic,
        ])
      let outside = try node.choice(
        "padding_mode", default: "zeros",
        ["zeros": GridSample.Outside.zeros, "border": .border, "reflection": .reflection])
      try node.emit(
        .gridSample(
          GridSample(mode: mode, outside: outside, alignCorners: try node.flag("align_corners"))),
        node.operands)
    },
    "RoiAlign": OperatorImport(3...3, since: 10) { node in
      // Coordinates are not moved by half an element before opset 16.
      let halfPixel = try node.choice(
        "coordinate_transformation_mode", default: node.opset < 16 ? "output_half_pixel" : "half_pixel",
        ["half_pixel": true, "output_half_pixel": false])
      try node.emit(
        .roiAlign(
          RoiAlign(
            mode: try node.choice("mode", default: "avg", ["avg": .average, "max": .maximum]),
            height: try node.integer("output_height", in: 1...NodeImport.largest, default: 1),
            width: try node.integer("output_width", in: 1...NodeImport.largest, default: 1),
            samples: try node.integer("sampling_ratio", in: 0...RoiAlign.mostSamples, default: 0),
            scale: try node.float("spatial_scale", default: 1), halfPixel: halfPixel)), node.operands)
    },
    "MaxRoiPool": OperatorImport(2...2) { node in
      guard let shape = try node.integers("pooled_shape", in: 1...NodeImport.largest, count: 2) else {
        throw node.malformed("lacks the attribute 'pooled_shape'")
      }
      try node.emit(
        .maxRoiPool(
          height: shape[0], width: shape[1], scale: try node.float("spatial_scale", default: 1)),
        node.operands)
    },
    "DeformConv": OperatorImport(3...5, since: 19, deformableConvolution),
    "Col2Im": OperatorImport(3...3, since: 18) { node in
      let lists = try ["strides", "dilations"].compactMap { try node.integers($0)?.count }
      let pads = try node.integers("pads").map { $0.count / 2 }
      let shapes = [node.optional(1), node.optional(2)].compactMap { node.listCount($0) }
      guard let axes = lists.first ?? pads ?? shapes.first else {
        throw NodeImport.UnsupportedForm(
          reason: "the number of its spatial axes cannot be told from the file")
      }
      guard (1...6).contains(axes) else {
        throw node.malformed("has \(axes) spatial axes; 1 to 6 are supported")
      }
      let window = try node.window(spatialAxes: axes)
      guard case .explicit(let amounts) = window.padding else { throw node.malformed("has no pads") }
      try node.emit(
        .columnsToImage(strides: window.strides, dilations: window.dilations, pads: amounts), node.operands)
    },
    "MaxUnpool": OperatorImport(2...3, since: 9, maximumUnpooling),
  ]

  /// Columns of samples, times the weights. Halves are computed as floats.
  private static func deformableConvolution(_ node: NodeImport) throws {
    let (weights, offset) = (try node.operand(1), try node.operand(2))
    let axes = try node.spatialAxes()
    let window = try node.window(spatialAxes: axes)
    let groups = try node.integer("group", in: 1...NodeImport.largest, default: 1)
    let offsetGroups = try node.integer("offset_group", in: 1...NodeImport.largest, default: 1)
    guard let kernel = try node.integers("kernel_shape") ?? node.spatialSizes(weights),
      kernel.count == axes, kernel.allSatisfy({ (1...NodeImport.largest).contains($0) })
    else { throw NodeImport.UnsupportedForm(reason: "a window that cannot be told from the file") }
    let op = DeformableColumns(
      kernel: kernel,
      window: Convolution(
        strides: window.strides, dilations: window.dilations, padding: window.padding, groups: groups),
      offsetGroups: offsetGroups)
    let sizes = [
      node.intermediate(.shape(start: 0, end: 1), [offset], "images"),
      node.intermediate(.shape(start: 0, end: 1), [weights], "filters"),
      node.intermediate(.shape(start: 2, end: nil), [offset], "places"),
    ]
    let shape = node.intermediate(.concat(axis: 0), sizes, "shape")
    let column = try node.constant([-1] + Array(repeating: 1, count: axes), "column")
    let given = [0, 1, 2, 3, 4].compactMap { index in node.optional(index).map { (index, $0) } }
    try node.emitInFloats(given.map(\.1)) { wide in
      let operand = Dictionary(uniqueKeysWithValues: zip(given.map(\.0), wide))
      let columns = node.intermediate(
        .deformableColumns(op), [operand[0], operand[2], operand[4]], "columns")
      // The weights as a matrix for each group.
      var matrix = node.intermediate(.flatten(axis: 1), [operand[1]], "matrix")
      let first = try node.constant([0], "first")
      matrix = node.intermediate(.unsqueeze, [matrix, first], "matrices")
      if groups > 1 {
        let split = try node.constant([groups, -1, 0], "split")
        matrix = node.intermediate(.reshape(allowZero: false), [matrix, split], "groups")
      }
      let product = node.intermediate(.matrixMultiply(MatrixMultiply()), [matrix, columns], "product")
      guard let bias = operand[3] else { return (.reshape(allowZero: true), [product, shape]) }
      let image = node.intermediate(.reshape(allowZero: true), [product, shape], "image")
      let biases = node.intermediate(.reshape(allowZero: false), [bias, column], "biases")
      return (.binary(.add), [image, biases])
    }
  }

  /// Zeros, of which those at the indices are replaced. A result that is larger than the attributes say has more zeros
  /// at the ends of its axes, as in ONNX's reference implementation.
  private static func maximumUnpooling(_ node: NodeImport) throws {
    let (x, indices) = (try node.operand(0), try node.operand(1))
    guard let kernel = try node.integers("kernel_shape", in: 1...NodeImport.largest, count: nil) else {
      throw node.malformed("lacks the attribute 'kernel_shape'")
    }
    let window = try node.window(spatialAxes: kernel.count)
    guard case .explicit(let pads) = window.padding else { throw node.malformed("has no pads") }
    // (size − 1) · stride + kernel − pads.
    let change = kernel.indices.map { axis in
      kernel[axis] - window.strides[axis] - pads[axis] - pads[axis + kernel.count]
    }
    let rows = node.intermediate(.shape(start: 0, end: 2), [x], "rows")
    let places = node.intermediate(.shape(start: 2, end: nil), [x], "places")
    let spread = node.intermediate(
      .binary(.multiply), [places, try node.constant(window.strides, "strides")], "spread")
    let sizes = node.intermediate(.binary(.add), [spread, try node.constant(change, "change")], "sizes")
    let shape = node.intermediate(.concat(axis: 0), [rows, sizes], "shape")
    let flat = try node.constant([-1], "flat")
    let zeros = node.intermediate(.constantOfShape(value: try node.tensor(0, like: x)), [shape], "zeros")
    let list = { (id: ValueID, name: String) in
      node.intermediate(.reshape(allowZero: false), [id, flat], name)
    }
    let scattered = node.intermediate(
      .scatterElements(axis: 0, .replace),
      [list(zeros, "list"), list(indices, "indices"), list(x, "values")],
      "scattered")
    guard let wanted = node.optional(2) else {
      return try node.emit(.reshape(allowZero: true), [scattered, shape])
    }
    let image = node.intermediate(.reshape(allowZero: true), [scattered, shape], "image")
    let begins = try node.constant(Array(repeating: 0, count: kernel.count + 2), "begins")
    let ends = node.intermediate(.binary(.subtract), [wanted, shape], "ends")
    let amounts = node.intermediate(.concat(axis: 0), [begins, ends], "pads")
    try node.emit(.pad(.constant), [image, amounts])
  }
}

extension NodeImport {
  /// The number of elements of a list as far as it is known.
  fileprivate func listCount(_ id: ValueID?) -> Int? {
    guard let dimensions = id.flatMap({ graph.type(of: $0)?.dimensions }), dimensions.count == 1 else {
      return nil
    }
    return dimensions[0].size
  }

  /// The sizes of the axes from the third on if all are known.
  fileprivate func spatialSizes(_ id: ValueID) -> [Int]? {
    guard let dimensions = graph.type(of: id)?.dimensions, dimensions.count > 2 else { return nil }
    let sizes = dimensions.dropFirst(2).compactMap(\.size)
    return sizes.count == dimensions.count - 2 ? sizes : nil
  }
}
