import ModelGraph
import Tensors

extension OperatorImport {
  /// Pooling.
  static let windowOperators: [String: OperatorImport] = [
    "MaxPool": OperatorImport(1...1) { node in
      // The storage order affects only the indices.
      let isColumnMajor = try node.flag("storage_order")
      let op = Op.pool(try node.pool(.maximum))
      guard isColumnMajor, node.proto.output.count == 2, !node.proto.output[1].isEmpty else {
        return try node.emit(op, node.operands)
      }
      let name = node.proto.output[0]
      let values = name.isEmpty ? nil : node.graph.value(defining: name)
      let indices = node.graph.value(named: "\(node.name)/rowMajor")
      node.graph.append(
        Node(name: node.name, op: op, inputs: node.operands, outputs: [values, indices]))
      try node.emitColumnMajor(indices)
    },
    "AveragePool": OperatorImport(1...1) { node in
      let kind: Pool.Kind = try node.flag("count_include_pad") ? .averageIncludingPadding : .average
      try node.emit(.pool(try node.pool(kind)), node.operands)
    },
    "GlobalAveragePool": globalPool(.average), "GlobalMaxPool": globalPool(.maximum),
    "LpPool": OperatorImport(1...1) { try norm($0, try $0.pool(.sum)) },
    "GlobalLpPool": OperatorImport(1...1) { try norm($0, globalPool(.sum)) },
  ]

  /// (Σ |x|ᵖ)^(1/p) over each window.
  private static func norm(_ node: NodeImport, _ window: Pool) throws {
    // A number of any kind in opset 1.
    let p =
      try node.opset < 2
      ? node.float("p", default: 2) : Double(try node.integer("p", in: 1...NodeImport.largest, default: 2))
    guard p > 0 else { throw node.malformed("has a p of \(p)") }
    try node.emitInFloats([try node.operand(0)]) { operands in
      let x = operands[0]
      let magnitude =
        p == 2
        ? node.intermediate(.binary(.multiply), [x, x], "square")
        : node.intermediate(.unary(.absolute), [x], "magnitude")
      if p == 1 { return (.pool(window), [magnitude]) }
      if p == 2 {
        return (.unary(.squareRoot), [node.intermediate(.pool(window), [magnitude], "sum")])
      }
      let power = node.intermediate(
        .binary(.power), [magnitude, try node.constant(p, like: x, "p")], "power")
      let root = try node.constant(1 / p, like: x, "root")
      return (.binary(.power), [node.intermediate(.pool(window), [power], "sum"), root])
    }
  }

  private static func globalPool(_ kind: Pool.Kind) -> OperatorImport {
    OperatorImport(1...1) { try $0.emit(.pool(globalPool(kind)), $0.operands) }
  }

  private static func globalPool(_ kind: Pool.Kind) -> Pool {
    Pool(kind: kind, window: nil, strides: [], dilations: [], padding: .explicit([]))
  }
}

extension NodeImport {
  /// Makes the second result of `indices` into x, which count the last axis of an image fastest: it counts the first one fastest.
  fileprivate func emitColumnMajor(_ indices: ValueID) throws {
    let x = try operand(0)
    let axes = try integers("kernel_shape")?.count ?? 0
    let sizes = (0..<axes).map { axis in
      intermediate(.shape(start: axis + 2, end: axis + 3), [x], "size\(axis)")
    }
    var rest = indices
    var places: [ValueID] = []
    for (axis, size) in sizes.enumerated().reversed() {
      places.insert(intermediate(.binary(.modulo), [rest, size], "place\(axis)"), at: 0)
      rest = intermediate(.binary(.divide), [rest, size], "outside\(axis)")
    }
    // The rest is the number of the plane.
    var result = rest
    for (axis, size) in sizes.enumerated().reversed() {
      result = intermediate(.binary(.multiply), [result, size], "scaled\(axis)")
      if axis == 0 { break }
      result = intermediate(.binary(.add), [result, places[axis]], "columnMajor\(axis)")
    }
    try emit(result: 1, .binary(.add), [result, places[0]])
  }

  /// The largest size, stride or count that is accepted: what fits 31 bits, as in the kernels.
  static let largest = Int(Int32.max)

  /// Returns the parameters of a pooling with a window.
  func pool(_ kind: Pool.Kind) throws -> Pool {
    guard let kernel = try integers("kernel_shape", in: 1...Self.largest, count: nil) else {
      throw malformed("lacks the attribute 'kernel_shape'")
    }
    guard !kernel.isEmpty, kernel.count <= Shape.maximumRank else {
      throw malformed("has a kernel_shape of \(kernel.count) axes")
    }
    let window = try window(spatialAxes: kernel.count)
    return Pool(
      kind: kind, window: kernel, strides: window.strides, dilations: window.dilations,
      padding: window.padding, ceilingMode: try flag("ceil_mode"))
  }

  /// Returns the attributes that convolutions and pools share, with every default written out.
  func window(spatialAxes axes: Int) throws -> (strides: [Int], dilations: [Int], padding: Padding) {
    let ones = Array(repeating: 1, count: axes)
    _ = try integers("kernel_shape", in: 1...Self.largest, count: axes)
    let strides = try integers("strides", in: 1...Self.largest, count: axes) ?? ones
    let dilations = try integers("dilations", in: 1...Self.largest, count: axes) ?? ones
    let pads =
      try integers("pads", in: 0...Self.largest, count: axes * 2) ?? Array(repeating: 0, count: axes * 2)
    let none = Padding.explicit(Array(repeating: 0, count: axes * 2))
    let padding = try choice(
      "auto_pad", default: "NOTSET",
      [
        "NOTSET": .explicit(pads), "": .explicit(pads), "VALID": none, "SAME_UPPER": .sameUpper,
        "SAME_LOWER": .sameLower,
      ])
    return (strides, dilations, padding)
  }

  /// The number of spatial axes of a convolution: from its attributes, else from the ranks of its operands.
  func spatialAxes(image: Int = 0, weights: Int = 1) throws -> Int {
    let lists = try ["kernel_shape", "strides", "dilations"].compactMap { try integers($0)?.count }
    let pads = try integers("pads").map { $0.count / 2 }
    let ranks = [rank(try operand(weights)), rank(try operand(image))].compactMap { $0 }
    guard let axes = lists.first ?? pads ?? ranks.first.map({ $0 - 2 }) else {
      throw UnsupportedForm(reason: "the number of its spatial axes cannot be told from the file")
    }
    guard (1...6).contains(axes) else { throw malformed("has \(axes) spatial axes; 1 to 6 are supported") }
    return axes
  }
}
