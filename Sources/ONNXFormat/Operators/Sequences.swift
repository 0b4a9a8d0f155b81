import ModelGraph
import Tensors

extension OperatorImport {
  /// Operators of sequences, for sequences whose elements the file tells.
  static let sequenceOperators: [String: OperatorImport] = [
    "SequenceEmpty": sequence(0...0) { node in
      node.ignore("dtype")
      try node.emit(sequence: [])
    },
    "SequenceConstruct": sequence(1...Int.max) { node in
      try node.emit(sequence: try node.operands.indices.map(node.operand))
    },
    "SequenceInsert": sequence(2...3) { node in
      var elements = try node.sequence(0)
      let count = elements.count
      let place = try node.position(2, in: -count...count, from: count)
      elements.insert(try node.operand(1), at: place ?? count)
      try node.emit(sequence: elements)
    },
    "SequenceErase": sequence(1...2) { node in
      var elements = try node.sequence(0)
      elements.remove(at: try place(in: elements, node) ?? elements.count - 1)
      try node.emit(sequence: elements)
    },
    "SequenceAt": sequence(2...2) { node in
      let elements = try node.sequence(0)
      guard let place = try place(in: elements, node) else { throw node.malformed("lacks its position") }
      try node.emit(.identity, [elements[place]])
    },
    "SequenceLength": sequence(1...1) { node in
      try node.emit(constant: try Tensor([Int64(try node.sequence(0).count)], shape: .scalar))
    },
    "SplitToSequence": sequence(1...2, split),
    "ConcatFromSequence": sequence(1...1, concat),
    "SequenceMap": OperatorImport(1...Int.max, since: 17, takesComposites: true, sequenceMap),
  ]

  private static func sequence(
    _ operands: ClosedRange<Int>, _ body: @escaping @Sendable (NodeImport) throws -> Void
  ) -> OperatorImport {
    OperatorImport(operands, since: 11, takesComposites: true, body)
  }

  /// The element that the second operand names; `nil` if it is left out.
  private static func place(in elements: [ValueID], _ node: NodeImport) throws -> Int? {
    let count = elements.count
    guard count > 0 else { throw node.malformed("has an empty sequence") }
    return try node.position(1, in: -count...(count - 1), from: count)
  }

  private static func concat(_ node: NodeImport) throws {
    let elements = try node.sequence(0)
    guard !elements.isEmpty else { throw node.malformed("has an empty sequence") }
    guard let axis = try node.integer("axis") else { throw node.malformed("lacks the attribute 'axis'") }
    guard try node.integer("new_axis", in: 0...1, default: 0) == 1 else {
      return try node.emit(.concat(axis: axis), elements)
    }
    let axes = try node.constant([axis], "axes")
    try node.emit(
      .concat(axis: axis),
      elements.enumerated().map { node.intermediate(.unsqueeze, [$0.element, axes], "\($0.offset)") })
  }

  /// Parts of the given sizes, of one size, or of size 1; those of size 1 may lose the axis.
  private static func split(_ node: NodeImport) throws {
    let x = try node.operand(0)
    let axis = try node.integer("axis", default: 0)
    let keeps = try node.integer("keepdims", in: 0...1, default: 1) == 1
    guard let sizes = node.optional(1) else {
      let count = try wholeSize(x, axis, node)
      let parts = try parts(x, axis, count: count, sizes: nil, node)
      if keeps { return try node.emit(sequence: parts) }
      let axes = try node.constant([axis], "axes")
      return try node.emit(
        sequence: parts.enumerated().map { node.intermediate(.squeeze, [$0.element, axes], "\($0.offset)") })
    }
    let type = node.graph.type(of: sizes)
    guard let rank = type?.rank else {
      throw NodeImport.UnsupportedForm(reason: "with sizes whose number is not known")
    }
    if rank == 1, let count = type?.shape?.elementCount {
      // The sizes themselves may arrive at run time.
      let wide = node.intermediate(.cast(.int64), [sizes], "sizes")
      return try node.emit(sequence: try parts(x, axis, count: count, sizes: wide, node))
    }
    guard rank == 0 else { throw NodeImport.UnsupportedForm(reason: "with sizes whose number is not known") }
    guard let size = try node.knownIntegers(1, "size")?.first, size > 0 else {
      throw node.malformed("has parts of no size")
    }
    let whole = try wholeSize(x, axis, node)
    let count = whole / size + (whole % size == 0 ? 0 : 1)
    guard count <= SequenceSizes.mostElements else {
      throw NodeImport.UnsupportedForm(reason: "into \(count) elements")
    }
    let known = (0..<count).map { min(size, whole - $0 * size) }
    try node.emit(
      sequence: try parts(x, axis, count: count, sizes: try node.constant(known, "sizes"), node))
  }

  /// The size of `x` along an axis, which must be known.
  private static func wholeSize(_ x: ValueID, _ axis: Int, _ node: NodeImport) throws -> Int {
    guard let dimensions = node.graph.type(of: x)?.dimensions else {
      throw NodeImport.UnsupportedForm(reason: "of a value whose rank is not known")
    }
    guard -dimensions.count..<dimensions.count ~= axis else {
      throw node.malformed("has the axis \(axis) for \(dimensions.count) axes")
    }
    guard let size = dimensions[axis < 0 ? axis + dimensions.count : axis].size else {
      throw NodeImport.UnsupportedForm(reason: "along an axis whose size is not known")
    }
    return size
  }

  private static func parts(_ x: ValueID, _ axis: Int, count: Int, sizes: ValueID?, _ node: NodeImport) throws
    -> [ValueID]
  {
    try node.graph.model.sequenceSizes.add(elements: count)
    if count == 0 { return [] }
    let parts = (0..<count).map { _ in node.graph.value(named: "\(node.name)/part") }
    node.graph.append(
      Node(name: node.name, op: .split(axis: axis), inputs: sizes.map { [x, $0] } ?? [x], outputs: parts))
    return parts
  }
}
