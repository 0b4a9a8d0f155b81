import ModelGraph
import Tensors

extension NodeImport {
  /// Refuses operands that are sequences or optionals.
  func checkTensors() throws {
    for (index, name) in proto.input.enumerated() {
      switch graph.composite(name) {
      case .sequence: throw UnsupportedForm(reason: "of a sequence")
      case .absent: throw UnsupportedForm(reason: "of an optional that is absent")
      case nil:
        if isSequence(optional(index)) { throw UnsupportedForm(reason: "of a sequence or an optional") }
      }
    }
  }

  /// The operand at `index` if it is a sequence or absent optional that the file tells.
  func composite(_ index: Int) -> CompositeValue? {
    proto.input.indices.contains(index) ? graph.composite(proto.input[index]) : nil
  }

  /// The elements of the sequence at `index` if the file tells them.
  func sequence(_ index: Int) -> [ValueID]? {
    if case .sequence(let elements)? = composite(index) { elements } else { nil }
  }

  /// Returns true if the value is a sequence, or an optional, that is known at run time.
  func isSequence(_ id: ValueID?) -> Bool { elementType(id) == .sequence }

  /// The sequence at `index` as a value that is known at run time.
  func runTimeSequence(_ index: Int) throws -> ValueID {
    if let composite = composite(index) {
      return try graph.materialised(composite, named: proto.input[index])
    }
    let id = try operand(index)
    guard elementType(id) ?? .sequence == .sequence else {
      throw malformed("has a tensor as its operand \(index), where a sequence is expected")
    }
    return id
  }

  /// The operand at `index`, which must be a tensor.
  func tensorOperand(_ index: Int) throws -> ValueID {
    let id = try operand(index)
    guard !isSequence(id) else { throw malformed("has a sequence as its operand \(index)") }
    return id
  }

  /// The integers that the operand at `index` is known to be.
  func knownIntegers(_ index: Int) -> [Int]? {
    optional(index).flatMap { tensor($0)?.integers ?? graph.integers(of: $0) }
  }

  /// Returns true if the operand at `index` is left out, or its integers are known.
  func isKnown(_ index: Int) -> Bool { optional(index) == nil || knownIntegers(index) != nil }

  /// The position that the operand at `index` is known to be, counted from the front; `nil` if it is left out.
  func position(_ index: Int, in range: ClosedRange<Int>, from count: Int) throws -> Int? {
    guard let integers = knownIntegers(index) else { return nil }
    guard let position = integers.first, integers.count == 1 else {
      throw malformed("has \(integers.count) positions")
    }
    guard range.contains(position) else {
      throw malformed("has the position \(position) in a sequence of \(count) elements")
    }
    return position < 0 ? position + count : position
  }

  /// Makes the file's result at `index` a sequence.
  func emit(result index: Int = 0, sequence elements: [ValueID]) throws {
    try graph.model.sequenceSizes.add(elements: elements.count)
    try emit(result: index, composite: .sequence(elements))
  }

  /// Makes the file's result at `index` a sequence or an absent optional.
  func emit(result index: Int = 0, composite: CompositeValue) throws {
    guard wants(index) else {
      throw malformed("lacks its result \(index)")
    }
    graph.composites[proto.output[index]] = composite
  }

  /// Makes the file's result the operand at `index`, whatever it is.
  func emit(sameAs index: Int) throws {
    switch composite(index) {
    case .sequence(let elements): try emit(sequence: elements)
    case .absent: try emit(composite: .absent)
    case nil: return try emit(.identity, [try operand(index)])
    }
    graph.declared[proto.output[0]] = graph.declared[proto.input[index]]
  }

  /// Says what is in the file's one result, a sequence without elements or an absent optional.
  func declare(_ contents: SequenceContents?) {
    if wants(0) { graph.declared[proto.output[0]] = contents }
  }

  /// Makes the file's one result a constant.
  func emit(constant tensor: Tensor) throws {
    guard proto.output.count == 1 else { throw malformed("has \(proto.output.count) results; it has one") }
    graph.define(proto.output[0], as: tensor)
  }
}
