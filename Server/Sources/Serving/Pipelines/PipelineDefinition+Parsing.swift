import InferenceProtocol
import Repository
import Tensors
import Yams

extension PipelineDefinition {
  /// A file is at most so large.
  public static let maximumBytes = 256 << 10
  static let maximumStages = 64
  static let maximumTensors = 256
  static let maximumElements = 4096

  /// Reads a file's text: YAML 1.1, and so JSON, without anchors and aliases.
  /// - Parameter name: what the file's name calls the pipeline.
  /// - Throws: ``PipelineDefinitionError``, which says where and what.
  public init(parsing text: String, name: String) throws(PipelineDefinitionError) {
    guard text.utf8.count <= PipelineDefinition.maximumBytes else {
      throw PipelineDefinitionError(
        "\(text.utf8.count) bytes are more than the \(PipelineDefinition.maximumBytes) that a pipeline may have"
      )
    }
    let root: Node?
    do { root = try PlainYAML.compose(text) } catch let problem as PlainYAML.Problem {
      throw PipelineDefinitionError(line: problem.line, problem.reason)
    } catch let error as YamlError {
      throw PipelineDefinitionError(PipelineDefinition.text(of: error))
    } catch { throw PipelineDefinitionError("\(error)") }
    guard let root else { throw PipelineDefinitionError("the file is empty") }
    let top = try Fields(root, "", ["name", "inputs", "stages", "outputs"])
    self.name = name
    if let given = try top.string("name"), given != name {
      throw PipelineDefinitionError(
        line: top.line, "the pipeline calls itself '\(shown(given))', its file '\(shown(name))'")
    }
    inputs = try top.list("inputs", atMost: PipelineDefinition.maximumTensors).map {
      node throws(PipelineDefinitionError) in
      if let name = node.scalar?.string { return Input(name: name) }
      let fields = try Fields(node, "inputs", ["name", "datatype", "shape"])
      return Input(
        name: try fields.required("name"), datatype: try fields.datatype("datatype"),
        shape: try fields.integers("shape"))
    }
    stages = try top.list("stages", atMost: PipelineDefinition.maximumStages).map {
      node throws(PipelineDefinitionError) in
      try Stage(node)
    }
    outputs = try top.list("outputs", atMost: PipelineDefinition.maximumTensors).map {
      node throws(PipelineDefinitionError) in
      let fields = try Fields(node, "outputs", ["name", "from", "cast", "reshape"])
      return (name: try fields.required("name"), connection: try Connection(fields))
    }
  }

  /// The parser's message in one line.
  private static func text(of error: YamlError) -> String {
    let lines = "\(error)".split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
    return String(lines.joined(separator: " ").prefix(300))
  }
}

extension PipelineDefinition.Stage {
  fileprivate init(_ node: Node) throws(PipelineDefinitionError) {
    let fields = try Fields(node, "stages", ["name", "model", "version", "inputs"])
    name = try fields.required("name")
    line = fields.line
    let place = "stage '\(shown(name))'"
    model = try fields.string("model") ?? name
    version = try fields.integer("version")
    guard !name.isEmpty, !name.contains(".") else {
      throw PipelineDefinitionError(
        place, line: line, "a stage's name must not be empty and must not contain '.'")
    }
    guard case .mapping(let mapping)? = fields["inputs"], mapping.count <= PipelineDefinition.maximumTensors
    else {
      throw PipelineDefinitionError(
        place, line: line, "'inputs' must give the source of each input of model '\(shown(model))'")
    }
    inputs = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        throw PipelineDefinitionError(place, line: line, "an input's name is not a string")
      }
      inputs.append((name: name, connection: try .init(value, "\(place), input '\(shown(name))'")))
    }
  }
}

extension PipelineDefinition.Connection {
  fileprivate init(_ node: Node, _ place: String) throws(PipelineDefinitionError) {
    if let scalar = node.scalar {
      self.init(source: .named(scalar.string), line: node.mark?.line ?? 0)
      return
    }
    try self.init(
      try Fields(node, place, ["from", "constant", "datatype", "shape", "cast", "reshape"]))
  }

  fileprivate init(_ fields: Fields) throws(PipelineDefinitionError) {
    line = fields.line
    cast = try fields.datatype("cast")
    sizes = try fields.integers("reshape")
    if let sizes, sizes.contains(where: { $0 < -1 }) || sizes.filter({ $0 == -1 }).count > 1 {
      throw PipelineDefinitionError(
        fields.place, line: line, "'reshape' takes sizes: 0 keeps a size, and at most one may be -1")
    }
    switch (try fields.string("from"), fields["constant"]) {
    case (let name?, nil): source = .named(name)
    case (nil, let value?): source = .constant(try fields.tensor(value))
    default:
      throw PipelineDefinitionError(fields.place, line: line, "needs either 'from' or 'constant'")
    }
  }
}

/// A mapping of the file.
private struct Fields {
  let place: String
  let line: Int
  private var values: [String: Node] = [:]

  init(_ node: Node, _ place: String, _ known: [String]) throws(PipelineDefinitionError) {
    self.place = place
    line = node.mark?.line ?? 0
    guard case .mapping(let mapping) = node else {
      throw PipelineDefinitionError(
        place, line: line, "a mapping was expected, with the keys \(known.joined(separator: ", "))")
    }
    for (key, value) in mapping {
      guard let name = key.scalar?.string, known.contains(name) else {
        throw PipelineDefinitionError(
          place, line: key.mark?.line,
          "unknown key '\(shown(key.scalar?.string ?? ""))'; the keys here are \(known.joined(separator: ", "))"
        )
      }
      values[name] = value
    }
  }

  subscript(_ name: String) -> Node? { values[name] }

  private func wrong(_ name: String, _ expected: String) -> PipelineDefinitionError {
    PipelineDefinitionError(place, line: values[name]?.mark?.line ?? line, "'\(name)' must be \(expected)")
  }

  func string(_ name: String) throws(PipelineDefinitionError) -> String? {
    guard let node = values[name] else { return nil }
    guard let text = node.scalar?.string else { throw wrong(name, "text") }
    return text
  }

  func required(_ name: String) throws(PipelineDefinitionError) -> String {
    guard let text = try string(name) else {
      throw PipelineDefinitionError(place, line: line, "'\(name)' is missing")
    }
    return text
  }

  func integer(_ name: String) throws(PipelineDefinitionError) -> Int? {
    guard let node = values[name] else { return nil }
    guard let value = node.int else { throw wrong(name, "a whole number") }
    return value
  }

  func integers(_ name: String) throws(PipelineDefinitionError) -> [Int]? {
    guard let node = values[name] else { return nil }
    guard case .sequence(let sequence) = node, sequence.count <= Shape.maximumRank else {
      throw wrong(name, "a list of at most \(Shape.maximumRank) sizes")
    }
    let sizes = sequence.compactMap(\.int)
    guard sizes.count == sequence.count else { throw wrong(name, "a list of whole numbers") }
    return sizes
  }

  func datatype(_ name: String) throws(PipelineDefinitionError) -> DataType? {
    guard let text = try string(name) else { return nil }
    guard let datatype = DataType(rawValue: text), datatype != .bytes else {
      throw wrong(name, "a datatype of numbers: FP32, INT64, …")
    }
    return datatype
  }

  func list(_ name: String, atMost limit: Int) throws(PipelineDefinitionError) -> [Node] {
    guard let node = values[name] else {
      throw PipelineDefinitionError(place, line: line, "'\(name)' is missing")
    }
    guard case .sequence(let sequence) = node, sequence.count <= limit else {
      throw wrong(name, "a list of at most \(limit)")
    }
    return Array(sequence)
  }

  /// A constant: one number, or a flat list in row-major order.
  func tensor(_ node: Node) throws(PipelineDefinitionError) -> Tensor {
    guard let datatype = try datatype("datatype") else {
      throw PipelineDefinitionError(place, line: line, "a constant needs its 'datatype'")
    }
    var elements = [node]
    if case .sequence(let sequence) = node { elements = Array(sequence) }
    guard elements.count <= PipelineDefinition.maximumElements else {
      throw wrong("constant", "at most \(PipelineDefinition.maximumElements) numbers")
    }
    var isList = false
    if case .sequence = node { isList = true }
    let dims = try integers("shape") ?? (isList ? [elements.count] : [])
    do {
      let shape = try Shape(checking: dims)
      let tensor =
        switch datatype {
        case .bool: try constant(elements, shape) { $0.bool }
        case .int8: try constant(elements, shape) { $0.int.flatMap { Int8(exactly: $0) } }
        case .int16: try constant(elements, shape) { $0.int.flatMap { Int16(exactly: $0) } }
        case .int32: try constant(elements, shape) { $0.int.flatMap { Int32(exactly: $0) } }
        case .int64: try constant(elements, shape) { $0.int.flatMap { Int64(exactly: $0) } }
        case .uint8: try constant(elements, shape) { $0.int.flatMap { UInt8(exactly: $0) } }
        case .uint16: try constant(elements, shape) { $0.int.flatMap { UInt16(exactly: $0) } }
        case .uint32: try constant(elements, shape) { $0.int.flatMap { UInt32(exactly: $0) } }
        case .uint64: try constant(elements, shape) { $0.int.flatMap { UInt64(exactly: $0) } }
        case .float32: try constant(elements, shape) { $0.float.map { Float($0) } }
        case .float64: try constant(elements, shape) { $0.float }
        case .float16, .bfloat16, .bytes: nil as Tensor?
        }
      if let tensor { return tensor }
    } catch let error as TensorError { throw PipelineDefinitionError(place, line: line, "\(error)") } catch {}
    throw wrong("constant", "\(datatype.rawValue) numbers (FP16 and BF16: write FP32 and cast)")
  }

  private func constant<Element: TensorElement>(
    _ nodes: [Node], _ shape: Shape, _ value: (Node) -> Element?
  ) throws -> Tensor? {
    let elements = nodes.compactMap(value)
    return elements.count == nodes.count ? try Tensor(elements, shape: shape) : nil
  }
}
