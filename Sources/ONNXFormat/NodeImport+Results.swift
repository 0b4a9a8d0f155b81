import ModelGraph
import Tensors

extension NodeImport {
  /// Returns true if the file uses the result.
  func wants(_ result: Int) -> Bool {
    proto.output.indices.contains(result) && !proto.output[result].isEmpty
  }

  /// Makes the node that gives the file's results.
  func emit(_ op: Op, _ inputs: [ValueID?]) throws {
    let outputs = proto.output.map { $0.isEmpty ? nil : graph.value(defining: $0) }
    guard outputs.contains(where: { $0 != nil }) else { throw malformed("has no results") }
    graph.append(Node(name: name, op: op, inputs: trimmed(inputs), outputs: trimmed(outputs)))
  }

  /// Makes the node that gives one of the file's results by itself.
  func emit(result index: Int, _ op: Op, _ inputs: [ValueID?]) throws {
    guard wants(index) else {
      throw malformed("lacks its result \(index)")
    }
    graph.append(
      Node(
        name: index == 0 ? name : "\(name)/result\(index)", op: op, inputs: trimmed(inputs),
        outputs: [graph.value(defining: proto.output[index])]))
  }

  /// Makes a node whose one result only this import uses.
  func intermediate(_ op: Op, _ inputs: [ValueID?], _ suffix: String) -> ValueID {
    let id = graph.value(named: "\(name)/\(suffix)")
    graph.append(Node(name: "\(name)/\(suffix)", op: op, inputs: trimmed(inputs), outputs: [id]))
    return id
  }

  /// The value as elements of `type`.
  func converted(_ x: ValueID, to type: ElementType, _ suffix: String) -> ValueID {
    elementType(x) == type ? x : intermediate(.cast(type), [x], suffix)
  }

  /// Makes the node that gives the file's results. If operands are halves, `body` gets them as floats: a number on the
  /// way may be too large for a half, and the result is rounded once.
  func emitInFloats(_ operands: [ValueID], _ body: ([ValueID]) throws -> (op: Op, inputs: [ValueID?])) throws
  {
    let half = operands.compactMap { elementType($0) }.first { $0 == .float16 || $0 == .bfloat16 }
    guard let half else {
      let last = try body(operands)
      return try emit(last.op, last.inputs)
    }
    let last = try body(
      operands.enumerated().map { intermediate(.cast(.float32), [$0.element], "wide\($0.offset)") })
    try emit(.cast(half), [intermediate(last.op, last.inputs, "result")])
  }

  /// Makes the file's one result a constant.
  func emit(constant tensor: ONNXTensorProto) throws {
    guard proto.output.count == 1 else { throw malformed("has \(proto.output.count) results; it has one") }
    try graph.define(proto.output[0], constant: tensor)
  }

  /// The same of a sparse constant.
  func emit(sparse tensor: ONNXSparseTensorProto) throws {
    guard proto.output.count == 1 else { throw malformed("has \(proto.output.count) results; it has one") }
    try graph.define(proto.output[0], sparse: tensor)
  }

  /// A constant list of integers, for an operand that used to be an attribute.
  func constant(_ integers: [Int], _ suffix: String) throws -> ValueID {
    let shape = try Shape(checking: [integers.count])
    return graph.constant(try Tensor(integers.map { Int64($0) }, shape: shape), named: "\(name)/\(suffix)")
  }

  /// The same with floats.
  func constant(_ numbers: [Float], _ suffix: String) throws -> ValueID {
    let shape = try Shape(checking: [numbers.count])
    return graph.constant(try Tensor(numbers, shape: shape), named: "\(name)/\(suffix)")
  }

  /// The same with texts.
  func constant(_ texts: [[UInt8]], _ suffix: String) throws -> ValueID {
    intermediate(.strings(StringList(bytesOf: texts), shape: try Shape(checking: [texts.count])), [], suffix)
  }

  /// A constant number of the element type of `model`.
  func constant(_ number: Double, like model: ValueID, _ suffix: String) throws -> ValueID {
    graph.constant(try tensor(number, like: model), named: "\(name)/\(suffix)")
  }

  /// A scalar of the element type of `model`.
  func tensor(_ number: Double, like model: ValueID) throws -> Tensor {
    guard let type = elementType(model) else {
      throw UnsupportedForm(reason: "the element type of its operand cannot be told from the file")
    }
    switch type {
    case .float32: return try Tensor([Float(number)], shape: .scalar)
    case .float64: return try Tensor([number], shape: .scalar)
    case .float16: return try Tensor([Float16(number)], shape: .scalar)
    case .bfloat16: return try Tensor([BFloat16(Float(number))], shape: .scalar)
    case .int32: if let number = Int32(exactly: number) { return try Tensor([number], shape: .scalar) }
    case .int64: if let number = Int64(exactly: number) { return try Tensor([number], shape: .scalar) }
    default: break
    }
    throw UnsupportedForm(reason: "\(number) for elements of type \(type)")
  }

  /// Without those left out at the end.
  private func trimmed(_ ids: [ValueID?]) -> [ValueID?] {
    Array(ids.prefix((ids.lastIndex { $0 != nil } ?? -1) + 1))
  }
}
