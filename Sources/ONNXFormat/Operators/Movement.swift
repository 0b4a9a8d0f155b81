import ModelGraph

extension OperatorImport {
  /// Operators that move elements without computing.
  static let movementOperators: [String: OperatorImport] = [
    "Concat": OperatorImport(1...Int.max) { node in
      _ = try node.operands.indices.map(node.operand)
      let axis = try node.opset < 4 ? node.integer("axis", default: 1) : node.requiredInteger("axis")
      try node.emit(.concat(axis: axis), node.operands)
    },
    "Split": OperatorImport(1...2, split),
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
    "Reshape": OperatorImport(1...2) { node in
      if node.opset < 5 {
        try node.checkOperands(1...1)
        guard let shape = try node.integers("shape") else {
          throw node.malformed("lacks the attribute 'shape'")
        }
        return try node.emit(
          .reshape(allowZero: false), [try node.operand(0), try node.constant(shape, "shape")])
      }
      try node.checkOperands(2...2)
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
    "Tile": OperatorImport(2...3) { node in
      if node.opset >= 6 { try node.checkOperands(2...2) }
      try node.emit(.tile, [try node.operand(0), try node.repeats()])
    },
    "Pad": OperatorImport(1...4, pad),
    "CenterCropPad": OperatorImport(2...2, since: 18, centerCropPad),
    "DepthToSpace": OperatorImport(1...1) { node in
      try node.emit(
        .depthToSpace(
          blockSize: try node.integer("blocksize", in: 1...NodeImport.largest),
          columnRowDepth: try node.choice("mode", default: "DCR", ["DCR": false, "CRD": true])), node.operands
      )
    },
    "SpaceToDepth": OperatorImport(1...1) { node in
      let op = Op.spaceToDepth(blockSize: try node.integer("blocksize", in: 1...NodeImport.largest))
      let isColumnRowDepth = try node.choice("mode", default: "DCR", ["DCR": false, "CRD": true])
      if !isColumnRowDepth { return try node.emit(op, node.operands) }
      try node.emitColumnRowDepth(node.intermediate(op, node.operands, "depthFirst"))
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

  /// Sizes are an attribute before opset 13. In opset 1 they may be an operand of any type, too.
  private static func split(_ node: NodeImport) throws {
    var sizes = node.optional(1)
    if node.opset < 2, let given = sizes {
      sizes = node.intermediate(.cast(.int64), [given], "sizes")
    } else if node.opset < 13 {
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

  /// Cuts off what is too much at either end, then adds zeros where there is too little; the odd element is at the end.
  private static func centerCropPad(_ node: NodeImport) throws {
    let x = try node.operand(0)
    let wanted = node.intermediate(.cast(.int64), [try node.operand(1)], "wanted")
    let axes = try node.integers("axes").map { try node.constant($0, "axes") }
    let shape = node.intermediate(.shape(start: 0, end: nil), [x], "shape")
    let sizes = axes.map { node.intermediate(.gather(axis: 0), [shape, $0], "sizes") } ?? shape
    let two = try node.constant([2], "two")
    /// The excess of `a` over `b`, and the half of it that is in front.
    func excess(_ a: ValueID, _ b: ValueID, _ suffix: String) throws -> (all: ValueID, front: ValueID) {
      let difference = node.intermediate(.binary(.subtract), [a, b], suffix + "/difference")
      let none = try node.constant([0], suffix + "/none")
      let all = node.intermediate(.binary(.maximum), [difference, none], suffix)
      return (all, node.intermediate(.binary(.divide), [all, two], suffix + "/front"))
    }
    let cropped = try excess(sizes, wanted, "cropped")
    let kept = node.intermediate(.binary(.minimum), [sizes, wanted], "kept")
    let ends = node.intermediate(.binary(.add), [cropped.front, kept], "ends")
    let middle = node.intermediate(.slice, [x, cropped.front, ends, axes], "middle")
    let added = try excess(wanted, sizes, "added")
    let back = node.intermediate(.binary(.subtract), [added.all, added.front], "back")
    let amounts = node.intermediate(.concat(axis: 0), [added.front, back], "amounts")
    try node.emit(.pad(.constant), [middle, amounts, nil, axes])
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
    let name = node.opset < 2 ? "paddings" : "pads"
    guard let pads = try node.integers(name) else { throw node.malformed("lacks the attribute '\(name)'") }
    let value = try node.float("value", default: 0)
    try node.emit(
      .pad(mode),
      [x, try node.constant(pads, "pads"), value == 0 ? nil : try node.constant(value, like: x, "value")])
  }
}

extension NodeImport {
  /// Makes the result of a `SpaceToDepth` whose channels count the places of a block outermost: it counts them innermost.
  fileprivate func emitColumnRowDepth(_ blocks: ValueID) throws {
    let x = try operand(0)
    let channels = intermediate(.shape(start: 1, end: 2), [x], "channels")
    let shape = intermediate(.shape(start: 0, end: nil), [blocks], "shape")
    let images = intermediate(.shape(start: 0, end: 1), [blocks], "images")
    let rest = intermediate(.shape(start: 2, end: nil), [blocks], "rest")
    let places = try constant([-1], "places")
    let split = intermediate(.concat(axis: 0), [images, places, channels, rest], "split")
    let outer = intermediate(.reshape(allowZero: false), [blocks, split], "outer")
    let inner = intermediate(.transpose(permutation: [0, 2, 1, 3, 4]), [outer], "inner")
    try emit(.reshape(allowZero: true), [inner, shape])
  }

  /// An integer attribute without a default.
  fileprivate func requiredInteger(_ name: String) throws -> Int {
    guard let value = try integer(name) else { throw malformed("lacks the attribute '\(name)'") }
    return value
  }
}
