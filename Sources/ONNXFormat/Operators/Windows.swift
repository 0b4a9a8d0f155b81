import ModelGraph

extension OperatorImport {
  /// Pooling.
  static let windowOperators: [String: OperatorImport] = [
    "MaxPool": OperatorImport(1...1) { node in
      // The storage order affects only the indices.
      node.ignore("storage_order")
      guard node.proto.output.dropFirst().allSatisfy(\.isEmpty) else {
        throw NodeImport.UnsupportedForm(reason: "its indices")
      }
      try pool(node, .maximum)
    },
    "AveragePool": OperatorImport(1...1, since: 7) { node in
      try pool(node, try node.flag("count_include_pad") ? .averageIncludingPadding : .average)
    },
    "GlobalAveragePool": globalPool(.average), "GlobalMaxPool": globalPool(.maximum),
  ]

  private static func pool(_ node: NodeImport, _ kind: Pool.Kind) throws {
    guard let kernel = try node.integers("kernel_shape", in: 1...NodeImport.largest, count: nil) else {
      throw node.malformed("lacks the attribute 'kernel_shape'")
    }
    let window = try node.window(spatialAxes: kernel.count)
    try node.emit(
      .pool(
        Pool(
          kind: kind, window: kernel, strides: window.strides, dilations: window.dilations,
          padding: window.padding, ceilingMode: try node.flag("ceil_mode"))), node.operands)
  }

  private static func globalPool(_ kind: Pool.Kind) -> OperatorImport {
    OperatorImport(1...1) { node in
      try node.emit(
        .pool(Pool(kind: kind, window: nil, strides: [], dilations: [], padding: .explicit([]))),
        node.operands)
    }
  }
}

extension NodeImport {
  /// The largest size, stride or count that is accepted: what fits 31 bits, as in the kernels.
  static let largest = Int(Int32.max)

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
  func spatialAxes() throws -> Int {
    let lists = try ["kernel_shape", "strides", "dilations"].compactMap { try integers($0)?.count }
    let pads = try integers("pads").map { $0.count / 2 }
    let ranks = [rank(try operand(1)), rank(try operand(0))].compactMap { $0 }
    guard let axes = lists.first ?? pads ?? ranks.first.map({ $0 - 2 }) else {
      throw UnsupportedForm(reason: "the number of its spatial axes cannot be told from the file")
    }
    guard (1...6).contains(axes) else { throw malformed("has \(axes) spatial axes; 1 to 6 are supported") }
    return axes
  }
}
