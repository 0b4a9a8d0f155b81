import ModelGraph
import Tensors

/// One node of the file while it is turned into nodes of the graph: its operands, its attributes, and its results.
final class NodeImport {
  let graph: GraphImport
  let name: String
  let proto: ONNXNodeProto
  /// The version of the node's domain that the model imports.
  let opset: Int
  /// The operands; `nil` for an optional one that is left out, and for a sequence. There are none left out at the end.
  let operands: [ValueID?]
  private let attributes: [String: ONNXAttributeProto]
  private var unread: Set<String>

  /// The operator is supported, but not as this node uses it.
  struct UnsupportedForm: Error { var reason: String }

  init(_ graph: GraphImport, _ proto: ONNXNodeProto, name: String) throws {
    self.graph = graph
    self.proto = proto
    self.name = name
    opset = graph.model.opsets[ModelImport.domain(proto.domain)] ?? 0
    let count = (proto.input.lastIndex { !$0.isEmpty } ?? -1) + 1
    operands = proto.input.prefix(count).map { $0.isEmpty ? nil : graph.value($0) }
    attributes = Dictionary(proto.attribute.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    unread = Set(attributes.keys)
    guard attributes.count == proto.attribute.count else { throw malformed("has an attribute twice") }
  }

  /// The node contradicts its operator's definition.
  func malformed(_ detail: String) -> ONNXError {
    ONNXError(
      .node(path: graph.model.path, graph: graph.graph.name, node: name, op: proto.opType, detail: detail))
  }

  /// Checks that nothing of the node was overlooked.
  func finish() throws {
    if let name = unread.min() {
      throw malformed("has an attribute '\(shown(name))', which its operator does not have in opset \(opset)")
    }
    for output in proto.output where !output.isEmpty && !graph.isDefined(output) {
      throw malformed("has a result '\(shown(output))' that its operator does not have")
    }
  }
}

// MARK: Operands

extension NodeImport {
  /// Checks how many operands there are, and that those before `counts.lowerBound` are not left out.
  func checkOperands(_ counts: ClosedRange<Int>) throws {
    let given = proto.input.prefix(operands.count)
    guard given.count <= counts.upperBound, given.count >= counts.lowerBound,
      given.prefix(counts.lowerBound).allSatisfy({ !$0.isEmpty })
    else {
      let wanted =
        counts.upperBound == .max
        ? "at least \(counts.lowerBound)"
        : counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
      throw malformed("has \(given.count { !$0.isEmpty }) operands; it takes \(wanted)")
    }
  }

  /// The operand at `index`; `nil` when it is left out.
  func optional(_ index: Int) -> ValueID? { operands.indices.contains(index) ? operands[index] : nil }

  /// The operand at `index`.
  func operand(_ index: Int) throws -> ValueID {
    guard let id = optional(index) else { throw malformed("lacks its operand \(index)") }
    return id
  }

  /// The elements of an operand that is a constant.
  func tensor(_ id: ValueID?) -> Tensor? { graph.graph.tensor(id) }

  /// The number that an operand with one element is, when it is a constant and a `Double` can hold it.
  func scalar(_ id: ValueID) -> Double? {
    guard let tensor = tensor(id), tensor.shape.elementCount == 1 else { return nil }
    if tensor.elementType == .float64 { return (try? tensor.elements(as: Double.self))?.first { !$0.isNaN } }
    if let number = tensor.floats?.first { return number.isNaN ? nil : Double(number) }
    return tensor.elementType == .uint64 ? nil : tensor.integers?.first.flatMap { Double(exactly: $0) }
  }

  /// The type of a value as far as it is known.
  func type(_ id: ValueID?) -> ValueType? { id.flatMap { graph.type(of: $0) } }

  /// The element type of a value as far as it is known.
  func elementType(_ id: ValueID?) -> ElementType? { id.flatMap { graph.type(of: $0)?.elementType } }

  /// The number of axes of a value as far as it is known.
  func rank(_ id: ValueID?) -> Int? { id.flatMap { graph.type(of: $0)?.rank } }
}

// MARK: Attributes

extension NodeImport {
  private func attribute(_ name: String, _ type: ONNXAttributeProto.AttributeType) throws
    -> ONNXAttributeProto?
  {
    guard let attribute = attributes[name] else { return nil }
    unread.remove(name)
    guard attribute.refAttrName.isEmpty else {
      throw malformed("takes the attribute '\(name)' from a function, which it is not in")
    }
    guard attribute.type == type else {
      throw malformed("has the attribute '\(name)' of type \(attribute.type), where \(type) is expected")
    }
    return attribute
  }

  /// Marks attributes as read that do not matter to inference.
  func ignore(_ names: String...) { unread.subtract(names) }

  func has(_ name: String) -> Bool { attributes[name] != nil }

  func integer(_ name: String) throws -> Int? { try attribute(name, .int).map { Int($0.i) } }

  func integer(_ name: String, default value: Int) throws -> Int { try integer(name) ?? value }

  func flag(_ name: String, default value: Bool = false) throws -> Bool {
    try integer(name, default: value ? 1 : 0) != 0
  }

  func integers(_ name: String) throws -> [Int]? {
    try attribute(name, .ints).map { $0.ints.map { Int($0) } }
  }

  /// Integers of which each must be in `range` and, when `count` is given, that many.
  func integers(_ name: String, in range: ClosedRange<Int>, count: Int?) throws -> [Int]? {
    guard let values = try integers(name) else { return nil }
    if let count, values.count != count {
      throw malformed("has \(values.count) numbers in '\(name)', where \(count) are expected")
    }
    if let value = values.first(where: { !range.contains($0) }) {
      throw malformed("has \(value) in '\(name)', which must be \(range.lowerBound) to \(range.upperBound)")
    }
    return values
  }

  func integer(_ name: String, in range: ClosedRange<Int>, default value: Int? = nil) throws -> Int {
    guard let number = try integer(name) ?? value else { throw malformed("lacks the attribute '\(name)'") }
    guard range.contains(number) else {
      throw malformed(
        "has \(number) for '\(name)', which must be \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number, exactly as its 32 bits say.
  func float(_ name: String) throws -> Double? { try attributeFloat(name).map { Double($0) } }

  /// The same, or ONNX's default, which is a 32-bit number too.
  func float(_ name: String, default value: Float) throws -> Double { try float(name) ?? Double(value) }

  func attributeFloat(_ name: String) throws -> Float? { try attribute(name, .float)?.f }

  func floats(_ name: String) throws -> [Float]? { try attribute(name, .floats)?.floats }

  func text(_ name: String) throws -> String? {
    try attribute(name, .string).map { String(decoding: $0.s, as: UTF8.self) }
  }

  func texts(_ name: String) throws -> [String]? {
    try attribute(name, .strings)?.strings.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Texts as they are in the file, which need not be UTF-8; `nil` if there are none.
  func textBytes(_ name: String) throws -> [[UInt8]]? {
    guard let texts = try attribute(name, .strings)?.strings, !texts.isEmpty else { return nil }
    return texts.map { Array($0) }
  }

  /// A text as it is in the file, which need not be UTF-8.
  func bytes(_ name: String) throws -> [UInt8]? { try attribute(name, .string).map { Array($0.s) } }

  /// Returns the table's entry for the attribute's text, or for `default` if the attribute is missing.
  func choice<Value>(_ name: String, default text: String, _ table: [String: Value]) throws -> Value {
    let text = try self.text(name) ?? text
    guard let value = table[text] else {
      throw UnsupportedForm(reason: "\(name) '\(shown(text))'")
    }
    return value
  }

  func tensorAttribute(_ name: String) throws -> ONNXTensorProto? {
    guard let attribute = try attribute(name, .tensor) else { return nil }
    guard attribute.hasT else { throw malformed("has no tensor in its attribute '\(name)'") }
    return attribute.t
  }

  func typeAttribute(_ name: String) throws -> ONNXTypeProto? {
    try attribute(name, .typeProto).map(\.tp)
  }

  func sparseAttribute(_ name: String) throws -> ONNXSparseTensorProto? {
    guard let attribute = try attribute(name, .sparseTensor) else { return nil }
    guard attribute.hasSparseTensor else { throw malformed("has no tensor in its attribute '\(name)'") }
    return attribute.sparseTensor
  }

  func graphAttribute(_ name: String) throws -> ONNXGraphProto {
    guard let attribute = try attribute(name, .graph), attribute.hasG else {
      throw malformed("lacks the attribute '\(name)'")
    }
    return attribute.g
  }
}
