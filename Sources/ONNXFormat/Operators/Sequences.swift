import ModelGraph
import Tensors

extension OperatorImport {
  /// Operators of sequences. Those on elements that the file tells, at positions that it tells, become operators on the
  /// elements; the others run.
  static let sequenceOperators: [String: OperatorImport] = [
    "SequenceEmpty": sequence(0...0) { node in
      let number = try node.integer("dtype", default: 1)
      try node.emit(sequence: [])
      let type = try? TensorDecoding.elementType(number) { node.malformed($0) }
      node.declare(type.map { SequenceContents($0, nil) })
    },
    "SequenceConstruct": sequence(1...Int.max) { node in
      try node.emit(sequence: try node.proto.input.indices.map(node.tensorOperand))
    },
    "SequenceInsert": sequence(2...3) { node in
      let x = try node.tensorOperand(1)
      guard var elements = node.sequence(0), node.isKnown(2) else {
        return try node.emit(.sequenceInsert, [try node.runTimeSequence(0), x, node.optional(2)])
      }
      let count = elements.count
      let place = try node.position(2, in: -count...count, from: count)
      elements.insert(x, at: place ?? count)
      try node.emit(sequence: elements)
    },
    "SequenceErase": sequence(1...2) { node in
      guard var elements = node.sequence(0), node.isKnown(1) else {
        return try node.emit(.sequenceErase, [try node.runTimeSequence(0), node.optional(1)])
      }
      let erased = elements.remove(at: try place(in: elements, node) ?? elements.count - 1)
      try node.emit(sequence: elements)
      node.declare(node.elementType(erased).map { SequenceContents($0, nil) })
    },
    "SequenceAt": sequence(2...2) { node in
      guard let elements = node.sequence(0), node.isKnown(1) else {
        return try node.emit(.sequenceAt, [try node.runTimeSequence(0), try node.operand(1)])
      }
      guard let place = try place(in: elements, node) else { throw node.malformed("lacks its position") }
      try node.emit(.identity, [elements[place]])
    },
    "SequenceLength": sequence(1...1) { node in
      guard let elements = node.sequence(0) else {
        return try node.emit(.sequenceLength, [try node.runTimeSequence(0)])
      }
      try node.emit(constant: try Tensor([Int64(elements.count)], shape: .scalar))
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
    guard let axis = try node.integer("axis") else { throw node.malformed("lacks the attribute 'axis'") }
    let stacks = try node.integer("new_axis", in: 0...1, default: 0) == 1
    guard let elements = node.sequence(0) else {
      return try node.emit(.sequenceConcat(axis: axis, stacks: stacks), [try node.runTimeSequence(0)])
    }
    guard !elements.isEmpty else { throw node.malformed("has an empty sequence") }
    guard stacks else { return try node.emit(.concat(axis: axis), elements) }
    let axes = try node.constant([axis], "axes")
    try node.emit(
      .concat(axis: axis),
      elements.enumerated().map { node.intermediate(.unsqueeze, [$0.element, axes], "\($0.offset)") })
  }

  /// Parts of the given sizes, of one size, or of size 1; those of size 1 may lose the axis.
  private static func split(_ node: NodeImport) throws {
    let x = try node.tensorOperand(0)
    let axis = try node.integer("axis", default: 0)
    let keeps = try node.integer("keepdims", in: 0...1, default: 1) == 1
    let elements: [ValueID]
    do { elements = try self.elements(of: x, axis, keeps: keeps, node) } catch is NodeImport.UnsupportedForm {
      return try node.emit(.sequenceSplit(axis: axis, keepsAxis: keeps), [x, node.optional(1)])
    }
    try node.emit(sequence: elements)
    if elements.isEmpty { node.declare(node.elementType(x).map { SequenceContents($0, nil) }) }
  }

  /// The parts.
  /// - Throws: `UnsupportedForm` if their number is not known, or too large.
  private static func elements(of x: ValueID, _ axis: Int, keeps: Bool, _ node: NodeImport) throws
    -> [ValueID]
  {
    guard let sizes = node.optional(1) else {
      let count = try wholeSize(x, axis, node)
      let parts = try parts(x, axis, count: count, sizes: nil, node)
      if keeps { return parts }
      let axes = try node.constant([axis], "axes")
      return parts.enumerated().map { node.intermediate(.squeeze, [$0.element, axes], "\($0.offset)") }
    }
    let type = node.graph.type(of: sizes)
    guard let rank = type?.rank, rank <= 1 else {
      throw NodeImport.UnsupportedForm(reason: "with sizes whose number is not known")
    }
    if rank == 1 {
      guard let count = type?.shape?.elementCount else {
        throw NodeImport.UnsupportedForm(reason: "with sizes whose number is not known")
      }
      // The sizes themselves may arrive at run time.
      let wide = node.intermediate(.cast(.int64), [sizes], "sizes")
      return try parts(x, axis, count: count, sizes: wide, node)
    }
    guard let size = node.knownIntegers(1)?.first else {
      throw NodeImport.UnsupportedForm(reason: "with a size that is computed")
    }
    guard size > 0 else { throw node.malformed("has parts of no size") }
    let whole = try wholeSize(x, axis, node)
    let count = whole / size + (whole % size == 0 ? 0 : 1)
    guard count <= SequenceSizes.mostElements else {
      throw NodeImport.UnsupportedForm(reason: "into \(count) elements")
    }
    let known = (0..<count).map { min(size, whole - $0 * size) }
    return try parts(x, axis, count: count, sizes: try node.constant(known, "sizes"), node)
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
