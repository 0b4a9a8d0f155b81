import Tensors

extension JSONReader {
  /// Reads the elements of a tensor: flat or nested in any way, in row-major order.
  /// - Throws: ``ProtocolError`` when they are not of the datatype, or not as many as the shape has.
  public mutating func readElements(
    name: String, datatype: DataType, shape: Shape
  ) throws -> TensorContents {
    let count = shape.elementCount
    // Each element takes two bytes at least, so that a message cannot make a tensor much larger than itself.
    guard count <= bytes.count else {
      throw ProtocolError("tensor '\(name)': the shape \(shape) has more elements than 'data'")
    }
    guard let type = datatype.elementType else {
      var strings: [[UInt8]] = []
      try readFlat { reader in
        let string = try reader.readStringBytes()
        try reader.held?.reserve(BinaryTail.bytesOfStrings(1, byteCount: string.count))
        strings.append(string)
      }
      guard strings.count == count else { throw JSONReader.wrong(strings.count, name, shape) }
      return .strings(strings)
    }
    try held?.reserve(type.byteCount(of: count) ?? .max)
    switch datatype {
    case .float32: return try read(Float.self, type, name, shape) { Float($0.double) }
    case .float64: return try read(Double.self, type, name, shape) { $0.double }
    case .int8: return try integers(Int8.self, type, name, shape)
    case .int16: return try integers(Int16.self, type, name, shape)
    case .int32: return try integers(Int32.self, type, name, shape)
    case .int64: return try integers(Int64.self, type, name, shape)
    case .uint8: return try integers(UInt8.self, type, name, shape)
    case .uint16: return try integers(UInt16.self, type, name, shape)
    case .uint32: return try integers(UInt32.self, type, name, shape)
    case .uint64: return try integers(UInt64.self, type, name, shape)
    case .bool: return try booleans(name, shape)
    case .float16, .bfloat16, .bytes:
      throw ProtocolError("tensor '\(name)': \(datatype.rawValue) can only be sent as binary data")
    }
  }

  private static func wrong(_ count: Int, _ name: String, _ shape: Shape) -> ProtocolError {
    ProtocolError(
      "tensor '\(name)': 'data' has \(count) elements, the shape \(shape) has \(shape.elementCount)")
  }

  /// Reads what is not an array, wherever in arrays it lies.
  private mutating func readFlat(_ body: (inout JSONReader) throws -> Void) throws {
    skipSpace()
    guard current == UInt8(ascii: "[") else { return try body(&self) }
    try readArray { reader in try reader.readFlat(body) }
  }

  private mutating func read<Element: TensorElement>(
    _: Element.Type, _ type: ElementType, _ name: String, _ shape: Shape, _ convert: (JSONNumber) -> Element?
  ) throws -> TensorContents {
    .tensor(
      try Tensor(elementType: type, shape: shape) { memory in
        let elements = memory.bindMemory(to: Element.self)
        var count = 0
        try readFlat { reader in
          let number = try reader.readNumber()
          guard let value = convert(number) else {
            throw ProtocolError("tensor '\(name)': element \(count) is no \(type)")
          }
          if count < shape.elementCount { elements[count] = value }
          count += 1
        }
        guard count == shape.elementCount else { throw JSONReader.wrong(count, name, shape) }
      })
  }

  private mutating func integers<Element: TensorElement & FixedWidthInteger>(
    _ element: Element.Type, _ type: ElementType, _ name: String, _ shape: Shape
  ) throws -> TensorContents {
    try read(element, type, name, shape) { number in
      switch number {
      case .int(let value): Element(exactly: value)
      case .uint(let value): Element(exactly: value)
      case .double(let value): Element(exactly: value)
      }
    }
  }

  private mutating func booleans(_ name: String, _ shape: Shape) throws -> TensorContents {
    .tensor(
      try Tensor(elementType: .bool, shape: shape) { memory in
        var count = 0
        try readFlat { reader in
          let value: Bool
          if try reader.kind() == .number {
            switch try reader.readNumber() {
            case .int(0): value = false
            case .int(1): value = true
            default: throw ProtocolError("tensor '\(name)': element \(count) is neither true nor false")
            }
          } else {
            value = try reader.readBool()
          }
          if count < shape.elementCount { memory[count] = value ? 1 : 0 }
          count += 1
        }
        guard count == shape.elementCount else { throw JSONReader.wrong(count, name, shape) }
      })
  }

  /// Reads an array of sizes.
  /// - Throws: ``ProtocolError`` when they are no shape that can be computed with.
  mutating func readShape(name: String) throws -> Shape {
    var dims: [Int] = []
    try readArray { reader in
      guard case .int(let value) = try reader.readNumber(), let dim = Int(exactly: value) else {
        throw reader.error("a size was expected")
      }
      guard dims.count < Shape.maximumRank else { throw reader.error("the shape has too many axes") }
      dims.append(dim)
    }
    do { return try Shape(checking: dims) } catch { throw ProtocolError("tensor '\(name)': \(error)") }
  }

  /// The most parameters of one object: each takes a few bytes of a message and many more in memory.
  private static let mostParameters = 1024

  /// Reads parameters. Those that are null, objects or arrays say nothing to anybody here and are passed over.
  public mutating func readParameters() throws -> [String: Parameter] {
    var result: [String: Parameter] = [:]
    try readObject { reader, name in
      guard result.count < JSONReader.mostParameters else {
        throw reader.error("there are more than \(JSONReader.mostParameters) parameters")
      }
      switch try reader.kind() {
      case .bool: result[name] = .bool(try reader.readBool())
      case .string: result[name] = .string(try reader.readString())
      case .number:
        switch try reader.readNumber() {
        case .int(let value): result[name] = .int(value)
        case .uint(let value): result[name] = .double(Double(value))
        case .double(let value): result[name] = .double(value)
        }
      case .object, .array, .null: try reader.skipValue()
      }
    }
    return result
  }
}
