import Tensors

extension ValueID: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(index) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) { self.init(try reader.integer()) }
}

extension Shape: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(dims) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let dims = try reader.read([Int].self)
    do { try self.init(checking: dims) } catch { throw reader.failure(error.description) }
  }
}

extension Dimension: Packable {
  package func pack(into writer: inout GraphWriter) {
    switch self {
    case .unknown: writer.bytes.append(0)
    case .known(let size):
      writer.bytes.append(1)
      writer.write(size)
    case .symbol(let name):
      writer.bytes.append(2)
      writer.write(name)
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .unknown
    case 1: self = .known(try reader.integer())
    case 2: self = .symbol(try reader.text())
    default: throw reader.failure("a dimension is of no known kind")
    }
  }
}

extension ValueType: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(elementType)
    writer.write(dimensions)
    if elementType == .sequence { writer.write(contents) }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(try reader.read(), try reader.read([Dimension]?.self))
    if elementType == .sequence { contents = try reader.read() }
  }
}

extension Value: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(name)
    writer.write(type)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(name: try reader.read(), type: try reader.read())
    try reader.count(GraphCost.of(self))
  }
}

extension Tensor: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(elementType)
    writer.write(shape)
    writer.write(byteCount)
    withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let type = try reader.read(ElementType.self)
    guard type != .sequence else { throw reader.failure("a constant is a sequence") }
    let shape = try reader.read(Shape.self)
    let block = try reader.block()
    guard block.count == type.byteCount(of: shape.elementCount) else {
      throw reader.failure("a tensor \(type)\(shape) has \(block.count) bytes")
    }
    do {
      try self.init(elementType: type, shape: shape) { memory in
        block.withUnsafeBytes { memory.copyMemory(from: $0) }
      }
    } catch { throw reader.failure("\(error)") }
  }
}

extension Constant: Packable {
  package func pack(into writer: inout GraphWriter) {
    switch self {
    case .tensor(let tensor):
      writer.bytes.append(0)
      writer.write(tensor)
    case .weight(let index, let elementType, let shape):
      writer.bytes.append(1)
      writer.write(index)
      writer.write(elementType)
      writer.write(shape)
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .tensor(try reader.read())
    case 1:
      self = .weight(index: try reader.integer(), elementType: try reader.read(), shape: try reader.read())
    default: throw reader.failure("a constant is of no known kind")
    }
    try reader.count(GraphCost.of(self))
  }
}

extension PostOp: Packable {
  package func pack(into writer: inout GraphWriter) {
    switch self {
    case .unary(let function):
      writer.bytes.append(0)
      writer.write(function)
    case .binary(let function, let operand):
      writer.bytes.append(1)
      writer.write(function)
      writer.write(operand)
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = .unary(try reader.read())
    case 1: self = .binary(try reader.read(), try reader.read())
    default: throw reader.failure("a post-op is of no known kind")
    }
  }
}

extension Node: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(name)
    writer.write(op)
    writer.write(inputs, outputs)
    writer.write(postOps)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      name: try reader.read(), op: try reader.read(), inputs: try reader.read(), outputs: try reader.read(),
      postOps: try reader.read())
    try reader.count(GraphCost.of(self))
  }
}

extension Graph: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(name)
    writer.write(values)
    writer.write(inputs, outputs)
    writer.write(constants.count)
    for (id, constant) in constants.sorted(by: { $0.key < $1.key }) {
      writer.write(id)
      writer.write(constant)
    }
    writer.write(nodes)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(name: try reader.read())
    values = try reader.read()
    inputs = try reader.read()
    outputs = try reader.read()
    for _ in 0..<(try reader.count()) {
      let id = try reader.read(ValueID.self)
      guard constants.updateValue(try reader.read(), forKey: id) == nil else {
        throw reader.failure("value \(id.index) is two constants")
      }
    }
    nodes = try reader.read()
  }
}

extension Graph {
  /// The first bytes of an encoded graph; the last one is the version of the encoding.
  private static let signature: [UInt8] = Array("FUSEDIR".utf8) + [4]

  /// The graph as bytes, for a compiled model; equal graphs give equal bytes. Constants that are tensors are inside:
  /// move the large ones out first.
  /// - Throws: ``GraphError`` when more conditionals are nested than ``decoded(from:)`` would follow.
  public func encoded() throws(GraphError) -> [UInt8] {
    var writer = GraphWriter(Graph.signature)
    pack(into: &writer)
    guard !writer.isTooDeep else {
      throw GraphError(
        .verification(graph: name, detail: "more than \(Graph.maximumDepth) conditionals are nested"))
    }
    return writer.bytes
  }

  /// The graph that ``encoded()`` made these bytes of.
  /// - Parameter grow: called with the bytes of memory that the graph takes, part by part; what it throws ends the decoding.
  /// - Throws: ``GraphError`` when the bytes are not such a graph, or `grow` throws. It need not be well-formed: run ``verify()`` before
  ///   trusting what comes from outside.
  public static func decoded(
    from bytes: [UInt8], growing grow: @escaping (Int) throws -> Void = { _ in }
  ) throws(GraphError) -> Graph {
    var reader = GraphReader(bytes, growing: grow)
    for expected in signature where try reader.byte() != expected {
      throw reader.failure("they start with something else, or are of another version")
    }
    let graph = try reader.read(Graph.self)
    guard reader.isAtEnd else { throw reader.failure("something follows the graph") }
    return graph
  }
}
