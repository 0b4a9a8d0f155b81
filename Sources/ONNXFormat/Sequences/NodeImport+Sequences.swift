import ModelGraph
import Tensors

extension NodeImport {
  /// Refuses operands that are sequences or absent optionals.
  func checkTensors() throws {
    for name in proto.input {
      switch graph.composite(name) {
      case .sequence: throw UnsupportedForm(reason: "of a sequence")
      case .absent: throw UnsupportedForm(reason: "of an optional that is absent")
      case nil: break
      }
    }
  }

  /// The operand at `index`, unless it is a tensor or left out.
  func composite(_ index: Int) -> CompositeValue? {
    proto.input.indices.contains(index) ? graph.composite(proto.input[index]) : nil
  }

  /// The elements of the sequence at `index`.
  func sequence(_ index: Int) throws -> [ValueID] {
    guard case .sequence(let elements)? = composite(index) else {
      throw UnsupportedForm(reason: "of a sequence that is an input, or comes from an unsupported node")
    }
    return elements
  }

  /// The integers that the operand at `index` is known to be.
  func knownIntegers(_ index: Int, _ what: String) throws -> [Int]? {
    guard let id = optional(index) else { return nil }
    guard let integers = tensor(id)?.integers ?? graph.integers(of: id) else {
      throw UnsupportedForm(reason: "with a \(what) that is computed")
    }
    return integers
  }

  /// The position that the operand at `index` is known to be, counted from the front; `nil` if it is left out.
  func position(_ index: Int, in range: ClosedRange<Int>, from count: Int) throws -> Int? {
    guard let integers = try knownIntegers(index, "position") else { return nil }
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
    case nil: try emit(.identity, [try operand(index)])
    }
  }

  /// Makes the file's one result a constant.
  func emit(constant tensor: Tensor) throws {
    guard proto.output.count == 1 else { throw malformed("has \(proto.output.count) results; it has one") }
    graph.define(proto.output[0], as: tensor)
  }
}
