import ModelGraph

extension OperatorImport {
  /// Operators that move elements without computing.
  static let movementOperators: [String: OperatorImport] = [
    "Concat": OperatorImport(1...Int.max, since: 4) { node in
      _ = try node.operands.indices.map(node.operand)
      try node.emit(.concat(axis: try node.requiredInteger("axis")), node.operands)
    },
    "Split": OperatorImport(1...2, since: 2, split),
    "Slice": OperatorImport(1...5, slice),
    "Transpose": OperatorImport(1...1) { node in
      let x = try node.operand(0)
      guard let order = try node.integers("perm") ?? node.rank(x).map({ (0..<$0).reversed() }) else {
        throw NodeImport.UnsupportedForm(reason: "without perm, of a value whose rank is not known")
      }
      guard order.sorted() == Array(order.indices) else {
        throw node.malformed("has a perm that is no permutation")
      }
      try node.emit(.transpose(permutation: order), [x])
    },
    "Reshape": OperatorImport(2...2, since: 5) { node in
      try node.emit(.reshape(allowZero: try node.flag("allowzero")), node.operands)
    },
    "Flatten": OperatorImport(1...1) { node in
      try node.emit(.flatten(axis: try node.integer("axis", default: 1)), node.operands)
    },
    "Squeeze": OperatorImport(1...2) { node in try node.emit(.squeeze, [try node.operand(0), try axes(node)])
    },
    "Unsqueeze": OperatorImport(1...2) { node in
      guard let axes = try axes(node) else { throw node.malformed("has no axes") }
      try node.emit(.unsqueeze, [try node.operand(0), axes])
    },
    "Expand": OperatorImport(2...2, since: 8) { try $0.emit(.expand, $0.operands) },
    "Tile": OperatorImport(2...2, since: 6) { try $0.emit(.tile, $0.operands) },
    "Pad": OperatorImport(1...4, since: 2, pad),
    "DepthToSpace": OperatorImport(1...1) { node in
      try node.emit(
        .depthToSpace(
          blockSize: try node.integer("blocksize", in: 1...NodeImport.largest),
          columnRowDepth: try node.choice("mode", default: "DCR", ["DCR": false, "CRD": true])), node.operands
      )
    },
    "SpaceToDepth": OperatorImport(1...1) { node in
      try node.choice("mode", default: "DCR", ["DCR": ()])
      try node.emit(
        .spaceToDepth(blockSize: try node.integer("blocksize", in: 1...NodeImport.largest)), node.operands)
    },
    "Trilu": OperatorImport(1...2, since: 14) { node in
      try node.emit(.triangular(upper: try node.flag("upper", default: true)), node.operands)
    },
  ]

  /// Axes are an attribute before opset 13.
  private static func axes(_ node: NodeImport) throws -> ValueID? {
    if node.opset >= 13 { return node.optional(1) }
    guard node.operands.count == 1 else { throw node.malformed("has its axes as an operand before opset 13") }
    return try node.integers("axes").map { try node.constant($0, "axes") }
  }

  /// Sizes are an attribute before opset 13.
  private static func split(_ node: NodeImport) throws {
    var sizes = node.optional(1)
    if node.opset < 13 {
      guard sizes == nil else { throw node.malformed("has its sizes as an operand before opset 13") }
      sizes = try node.integers("split").map { try node.constant($0, "split") }
    }
    if let count = try node.integer("num_outputs"), count != node.proto.output.count {
      throw node.malformed("has \(node.proto.output.count) results, where num_outputs is \(count)")
    }
    try node.emit(.split(axis: try node.integer("axis", default: 0)), [try node.operand(0), sizes])
  }

  /// Everything is an attribute before opset 10.
  private static func slice(_ node: NodeImport) throws {
    if node.opset >= 10 {
      try node.checkOperands(3...5)
      return try node.emit(.slice, node.operands)
    }
    try node.checkOperands(1...1)
    guard let starts = try node.integers("starts"), let ends = try node.integers("ends") else {
      throw node.malformed("lacks the attribute 'starts' or 'ends'")
    }
    let axes = try node.integers("axes").map { try node.constant($0, "axes") }
    try node.emit(
      .slice,
      [try node.operand(0), try node.constant(starts, "starts"), try node.constant(ends, "ends"), axes])
  }

  /// Pads and value are attributes before opset 11.
  private static func pad(_ node: NodeImport) throws {
    let mode = try node.choice(
      "mode", default: "constant",
      ["constant": PadMode.constant, "reflect": .reflect, "edge": .edge, "wrap": .wrap])
    if node.opset >= 11 {
      try node.checkOperands(2...4)
      return try node.emit(.pad(mode), node.operands)
    }
    try node.checkOperands(1...1)
    let x = try node.operand(0)
    guard let pads = try node.integers("pads") else { throw node.malformed("lacks the attribute 'pads'") }
    let value = try node.float("value", default: 0)
    try node.emit(
      .pad(mode),
      [x, try node.constant(pads, "pads"), value == 0 ? nil : try node.constant(value, like: x, "value")])
  }
}

extension NodeImport {
  /// An integer attribute without a default.
  fileprivate func requiredInteger(_ name: String) throws -> Int {
    guard let value = try integer(name) else { throw malformed("lacks the attribute '\(name)'") }
    return value
  }
}
