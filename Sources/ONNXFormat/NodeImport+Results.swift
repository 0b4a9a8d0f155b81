import ModelGraph
import Tensors

extension NodeImport {
  /// Makes the node that gives the file's results.
  func emit(_ op: Op, _ inputs: [ValueID?]) throws {
    let types = resultTypes(op, inputs, count: proto.output.count)
    let outputs = zip(proto.output, types).map { output, type in
      output.isEmpty ? nil : graph.value(defining: output, type: type.map { ValueType($0, nil) })
    }
    guard outputs.contains(where: { $0 != nil }) else { throw malformed("has no results") }
    graph.append(Node(name: name, op: op, inputs: trimmed(inputs), outputs: trimmed(outputs)))
  }

  /// Makes the node that gives one of the file's results by itself.
  func emit(result index: Int, _ op: Op, _ inputs: [ValueID?]) throws {
    guard proto.output.indices.contains(index), !proto.output[index].isEmpty else {
      throw malformed("lacks its result \(index)")
    }
    let type = resultTypes(op, inputs, count: 1)[0].map { ValueType($0, nil) }
    let id = graph.value(defining: proto.output[index], type: type)
    graph.append(
      Node(name: index == 0 ? name : "\(name)/result\(index)", op: op, inputs: trimmed(inputs), outputs: [id])
    )
  }

  /// Makes a node whose one result only this import uses.
  func intermediate(_ op: Op, _ inputs: [ValueID?], _ suffix: String) -> ValueID {
    let type = resultTypes(op, inputs, count: 1)[0]
    let id = graph.value(named: "\(name)/\(suffix)", type: type.map { ValueType($0, nil) })
    graph.append(Node(name: "\(name)/\(suffix)", op: op, inputs: trimmed(inputs), outputs: [id]))
    return id
  }

  /// Makes the file's one result a constant.
  func emit(constant tensor: ONNXTensorProto) throws {
    guard proto.output.count == 1 else { throw malformed("has \(proto.output.count) results; it has one") }
    try graph.define(proto.output[0], constant: tensor)
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

  /// A constant number of the element type of `model`.
  func constant(_ number: Double, like model: ValueID, _ suffix: String) throws -> ValueID {
    guard let type = elementType(model) else {
      throw UnsupportedForm(reason: "the element type of its operand cannot be told from the file")
    }
    let tensor: Tensor
    switch type {
    case .float32: tensor = try Tensor([Float(number)], shape: .scalar)
    case .float64: tensor = try Tensor([number], shape: .scalar)
    case .float16: tensor = try Tensor([Float16(number)], shape: .scalar)
    case .bfloat16: tensor = try Tensor([BFloat16(Float(number))], shape: .scalar)
    case .int32 where Int32(exactly: number) != nil:
      tensor = try Tensor([Int32(number)], shape: .scalar)
    case .int64 where Int64(exactly: number) != nil:
      tensor = try Tensor([Int64(number)], shape: .scalar)
    default: throw UnsupportedForm(reason: "\(number) for elements of type \(type)")
    }
    return graph.constant(tensor, named: "\(name)/\(suffix)")
  }

  /// Without those left out at the end.
  private func trimmed(_ ids: [ValueID?]) -> [ValueID?] {
    Array(ids.prefix((ids.lastIndex { $0 != nil } ?? -1) + 1))
  }

  /// Element types of the results as far as the operands' are known. ONNX makes them follow from these alone.
  private func resultTypes(_ op: Op, _ inputs: [ValueID?], count: Int) -> [ElementType?] {
    func operand(_ index: Int) -> ElementType? {
      inputs.indices.contains(index) ? elementType(inputs[index]) : nil
    }
    switch op {
    case .unary(.isNaN), .unary(.isInfinite), .unary(.logicalNot):
      return Array(repeating: .bool, count: count)
    case .binary(let function):
      return Array(repeating: function.isPredicate ? .bool : operand(0) ?? operand(1), count: count)
    case .select: return Array(repeating: operand(1) ?? operand(2), count: count)
    case .cast(let type): return Array(repeating: type, count: count)
    case .argumentOf, .shape, .size, .nonZero: return Array(repeating: .int64, count: count)
    case .topK: return (0..<count).map { $0 == 1 ? .int64 : operand(0) }
    case .constantOfShape(let value): return Array(repeating: value.elementType, count: count)
    case .oneHot: return Array(repeating: operand(2), count: count)
    case .conditional(let then, let otherwise):
      return (0..<count).map { index in
        [then, otherwise].lazy.compactMap { branch in
          branch.outputs.indices.contains(index) ? branch[branch.outputs[index]].type?.elementType : nil
        }.first
      }
    default: return Array(repeating: operand(0), count: count)
    }
  }
}
