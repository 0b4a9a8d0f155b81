import ModelGraph
import Tensors

extension OperatorImport {
  /// Grids of places in an image.
  static let gridOperators: [String: OperatorImport] = [
    // https://onnx.ai/onnx/operators/onnx__AffineGrid.html
    "AffineGrid": OperatorImport(2...2, since: 20) { node in
      let (theta, size) = (try node.operand(0), try node.operand(1))
      let axes = try node.gridAxes(theta, size)
      let alignsCorners = try node.flag("align_corners")
      try node.emitInFloats([theta]) { operands in
        let coordinates = try (0..<axes).map { axis in
          try node.coordinates(axis, of: axes, size, alignsCorners: alignsCorners, like: operands[0])
        }
        return try node.mapped(coordinates, by: operands[0])
      }
    }
  ]
}

extension NodeImport {
  /// The number of spatial axes: of the matrices, else of the size that is asked for.
  fileprivate func gridAxes(_ theta: ValueID, _ size: ValueID) throws -> Int {
    let rows = graph.type(of: theta)?.dimensions.flatMap { $0.count == 3 ? $0[1].size : nil }
    let sizes = graph.type(of: size)?.dimensions.flatMap { $0.count == 1 ? $0[0].size : nil }
    guard let axes = rows ?? sizes.map({ $0 &- 2 }) else {
      throw UnsupportedForm(reason: "the number of its spatial axes cannot be told from the file")
    }
    guard axes == 2 || axes == 3 else { throw malformed("has a grid of \(axes) axes; 2 or 3 are possible") }
    return axes
  }

  /// The coordinates along a spatial axis, −1 to 1, as a column that broadcasts to [N, …, coordinates].
  ///
  /// - Parameter alignsCorners: −1 and 1 are the middle of the outermost elements, not their outer edges.
  fileprivate func coordinates(
    _ axis: Int, of axes: Int, _ size: ValueID, alignsCorners: Bool, like model: ValueID
  ) throws -> ValueID {
    let name = "axis\(axis)"
    func number(_ value: Double, _ suffix: String) throws -> ValueID {
      try constant(value, like: model, "\(name)/\(suffix)")
    }
    guard let type = elementType(model) else {
      throw UnsupportedForm(reason: "the element type of its matrices cannot be told from the file")
    }
    func integer(_ value: Int64, _ suffix: String) throws -> ValueID {
      graph.constant(try Tensor([value], shape: .scalar), named: "\(self.name)/\(name)/\(suffix)")
    }
    let count = intermediate(
      .gather(axis: 0), [size, try integer(Int64(axis + 2), "place")], name + "/count")
    let numbers = intermediate(
      .range, [try integer(0, "first"), count, try integer(1, "step")], name + "/numbers")
    var places = intermediate(.cast(type), [numbers], name + "/places")
    let whole = intermediate(.cast(type), [count], name + "/size")
    // An element i lies at (2i − (n − 1)) / d; d is n − 1 if corners are aligned, and else n.
    let last = intermediate(.binary(.subtract), [whole, try number(1, "one")], name + "/last")
    let doubled = intermediate(.binary(.multiply), [places, try number(2, "two")], name + "/doubled")
    let centered = intermediate(.binary(.subtract), [doubled, last], name + "/centered")
    if alignsCorners {
      // The one element of an axis lies at −1.
      let isOne = intermediate(.binary(.equal), [last, try number(0, "zero")], name + "/isOne")
      let divided = intermediate(.binary(.divide), [centered, last], name + "/divided")
      places = intermediate(.select, [isOne, try number(-1, "start"), divided], name + "/coordinates")
    } else {
      places = intermediate(.binary(.divide), [centered, whole], name + "/coordinates")
    }
    // Axes behind this one, and that of the coordinates.
    let behind = Array(1...(axes - axis))
    return intermediate(.unsqueeze, [places, try constant(behind, name + "/behind")], name + "/column")
  }

  /// The places where the affine maps `theta`, [N, axes, axes + 1], take those with `coordinates` along each axis.
  fileprivate func mapped(_ coordinates: [ValueID], by theta: ValueID) throws -> (op: Op, inputs: [ValueID?])
  {
    let axes = coordinates.count
    let images = try constant(Array(1...axes), "images")
    /// [N, 1, …, axes]: one factor for each coordinate of the result.
    func column(_ index: Int) throws -> ValueID {
      let place = graph.constant(
        try Tensor([Int64(index)], shape: .scalar), named: "\(name)/column\(index)/index")
      let picked = intermediate(.gather(axis: 2), [theta, place], "column\(index)")
      return intermediate(.unsqueeze, [picked, images], "factor\(index)")
    }
    // The first column belongs to the last axis. The smaller sums come first.
    var sum = try column(axes)
    for axis in (1..<axes).reversed() {
      let product = intermediate(
        .binary(.multiply), [try column(axes - 1 - axis), coordinates[axis]], "product\(axis)")
      sum = intermediate(.binary(.add), [product, sum], "sum\(axis)")
    }
    return (
      .binary(.add),
      [intermediate(.binary(.multiply), [try column(axes - 1), coordinates[0]], "product0"), sum]
    )
  }
}
