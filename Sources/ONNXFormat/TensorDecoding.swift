import Tensors

/// Makes tensors of `TensorProto`s: views of the mapped file where the file has the elements as they are in memory.
final class TensorDecoding {
  let path: String
  let external: ExternalFiles
  private let file: MappedFile
  private lazy var fileBuffer = TensorBuffer(borrowing: file.bytes, from: file)
  private var externalBuffers: [ObjectIdentifier: TensorBuffer] = [:]
  /// The bytes of the sparse tensors that were made dense.
  var expandedBytes = 0

  /// A type that no tensor here can have.
  struct UnsupportedType: Error { var name: String }

  init(path: String, file: MappedFile) {
    self.path = path
    self.file = file
    external = ExternalFiles(modelPath: path)
  }

  /// The tensor that `proto` describes; `name` is what messages call it.
  /// - Throws: ``ONNXError`` when type, shape and bytes do not fit together, checked before anything is allocated;
  ///   ``UnsupportedType``.
  func tensor(_ proto: ONNXTensorProto, name: String) throws -> Tensor {
    let type = try Self.elementType(proto.dataType) { self.error(name, $0) }
    let shape: Shape
    do { shape = try Shape(checking: proto.dims.map { Int($0) }) } catch {
      throw self.error(name, "has no shape that can be used: \(error)")
    }
    guard let bytes = type.byteCount(of: shape.elementCount) else {
      throw error(name, "of shape \(shape) is larger than this machine can address")
    }
    if type.isHandle, proto.dataLocation == .external || proto.hasRawRange {
      throw error(name, "has elements of type \(type) as raw data, which only numbers can be")
    }
    if proto.dataLocation == .external {
      return try externalTensor(proto, type, shape, bytes: bytes, name: name)
    }
    if proto.hasRawRange {
      guard let offset = Int(exactly: proto.rawRange.offset), let count = Int(exactly: proto.rawRange.count),
        offset <= file.bytes.count, count <= file.bytes.count - offset
      else { throw error(name, "has raw data outside the file") }
      guard count == bytes else {
        throw error(name, "says it is \(type)\(shape), which takes \(bytes) bytes, but the file has \(count)")
      }
      return try view(of: fileBuffer, at: offset, type, shape)
    }
    return try typedTensor(proto, type, shape, name: name)
  }

  private func externalTensor(
    _ proto: ONNXTensorProto, _ type: ElementType, _ shape: Shape, bytes: Int, name: String
  ) throws -> Tensor {
    func refused(_ detail: String) -> ONNXError {
      ONNXError(.externalData(path: path, tensor: name, detail: detail))
    }
    func number(_ key: String) throws -> Int? {
      guard let text = proto.externalData.last(where: { $0.key == key })?.value else { return nil }
      guard let number = Int(text), number >= 0 else {
        throw refused("has the \(key) '\(shown(text))', which is not a number of bytes")
      }
      return number
    }
    guard let location = proto.externalData.last(where: { $0.key == "location" })?.value else {
      throw refused("names no file")
    }
    let offset = try number("offset") ?? 0
    let length = try number("length") ?? bytes
    guard length == bytes else {
      throw refused("has \(length) bytes, but \(type)\(shape) takes \(bytes)")
    }
    let file: MappedFile
    do { file = try external.file(at: location) } catch { throw refused(error.reason) }
    guard offset <= file.bytes.count, length <= file.bytes.count - offset else {
      throw refused(
        "is said to be \(length) bytes from \(offset) on in '\(shown(location))', which has "
          + "\(file.bytes.count)")
    }
    let buffer =
      externalBuffers[ObjectIdentifier(file)] ?? TensorBuffer(borrowing: file.bytes, from: file)
    externalBuffers[ObjectIdentifier(file)] = buffer
    return try view(of: buffer, at: offset, type, shape)
  }

  /// A view, except of booleans that are not 0 or 1: a `Bool` in memory must be.
  private func view(of buffer: TensorBuffer, at offset: Int, _ type: ElementType, _ shape: Shape) throws
    -> Tensor
  {
    let tensor = try Tensor(elementType: type, shape: shape, buffer: buffer, offset: offset)
    guard type == .bool, tensor.withUnsafeBytes({ $0.contains { $0 > 1 } }) else { return tensor }
    return try Tensor(elementType: .bool, shape: shape) { memory in
      tensor.withUnsafeBytes { bytes in
        for index in bytes.indices { memory[index] = bytes[index] == 0 ? 0 : 1 }
      }
    }
  }

  /// A tensor whose elements are in one of the typed fields, widened there to 32 or 64 bits.
  private func typedTensor(_ proto: ONNXTensorProto, _ type: ElementType, _ shape: Shape, name: String)
    throws -> Tensor
  {
    func checked<Element>(_ elements: [Element], _ field: String) throws -> [Element] {
      // Elements that share a byte share an entry.
      let expected = type.isPacked ? type.byteCount(of: shape.elementCount) : shape.elementCount
      guard elements.count == expected else {
        throw error(
          name,
          "says it is \(type)\(shape), which takes \(expected ?? .max) elements, but \(field) has \(elements.count)"
        )
      }
      return elements
    }
    func narrowed<Source: FixedWidthInteger, Element: FixedWidthInteger & Sendable>(
      _ elements: [Source], _ field: String, to _: Element.Type
    ) throws -> Tensor {
      let checked = try checked(elements, field)
      return try Tensor(elementType: type, shape: shape) { memory in
        for (index, element) in checked.enumerated() {
          memory.storeBytes(
            of: Element(truncatingIfNeeded: element), toByteOffset: index * MemoryLayout<Element>.size,
            as: Element.self)
        }
      }
    }
    switch type {
    case .string: return try Tensor(bytesOf: checked(proto.stringData, "string_data"), shape: shape)
    case .float32: return try Tensor(checked(proto.floatData, "float_data"), shape: shape)
    case .float64: return try Tensor(checked(proto.doubleData, "double_data"), shape: shape)
    case .int64: return try Tensor(checked(proto.int64Data, "int64_data"), shape: shape)
    case .uint64: return try Tensor(checked(proto.uint64Data, "uint64_data"), shape: shape)
    case .uint32: return try narrowed(proto.uint64Data, "uint64_data", to: UInt32.self)
    case .int32: return try Tensor(checked(proto.int32Data, "int32_data"), shape: shape)
    case .bool:
      return try narrowed(proto.int32Data.map { $0 == 0 ? 0 : 1 }, "int32_data", to: UInt8.self)
    case .int16, .uint16, .float16, .bfloat16:
      return try narrowed(proto.int32Data, "int32_data", to: UInt16.self)
    case .int8, .uint8, .int4, .uint4, .int2, .uint2, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2,
      .float8E5M2FNUZ, .float8E8M0, .float4E2M1:
      return try narrowed(proto.int32Data, "int32_data", to: UInt8.self)
    case .sequence: throw error(name, "is a sequence")
    }
  }

  func error(_ tensor: String, _ detail: String) -> ONNXError {
    ONNXError(.tensor(path: path, tensor: tensor, detail: detail))
  }
}

extension TensorDecoding {
  /// ONNX's name of each `TensorProto.DataType`, and the element type it is here.
  private static let elementTypes: [(name: String, type: ElementType?)] = [
    ("undefined", nil), ("float", .float32), ("uint8", .uint8), ("int8", .int8), ("uint16", .uint16),
    ("int16", .int16), ("int32", .int32), ("int64", .int64), ("string", .string), ("bool", .bool),
    ("float16", .float16), ("double", .float64), ("uint32", .uint32), ("uint64", .uint64), ("complex64", nil),
    ("complex128", nil), ("bfloat16", .bfloat16), ("float8e4m3fn", .float8E4M3FN),
    ("float8e4m3fnuz", .float8E4M3FNUZ), ("float8e5m2", .float8E5M2), ("float8e5m2fnuz", .float8E5M2FNUZ),
    ("uint4", .uint4), ("int4", .int4), ("float4e2m1", .float4E2M1), ("float8e8m0", .float8E8M0),
    ("uint2", .uint2), ("int2", .int2), ("float6e2m3", nil), ("float6e3m2", nil),
  ]

  /// The element type of this number.
  /// - Throws: ``UnsupportedType``, or what `malformed` makes of a number that ONNX does not define.
  static func elementType(_ number: some BinaryInteger, malformed: (String) -> ONNXError) throws
    -> ElementType
  {
    guard let index = Int(exactly: number), elementTypes.indices.contains(index), index > 0 else {
      throw malformed("has an element type, \(number), that ONNX does not define")
    }
    guard let type = elementTypes[index].type else { throw UnsupportedType(name: elementTypes[index].name) }
    return type
  }
}
