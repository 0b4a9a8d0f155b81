import Tensors

/// A response as HTTP carries it: JSON, and after it the bytes of the tensors that are binary.
public struct EncodedInferResponse: Sendable {
  public var json: [UInt8]
  /// In the order in which the JSON names them.
  public var tail: [TensorBytes] = []

  public init(json: [UInt8], tail: [TensorBytes] = []) {
    self.json = json
    self.tail = tail
  }

  /// The bytes that follow the JSON.
  public enum TensorBytes: Sendable {
    case tensor(Tensor)
    case bytes([UInt8])

    public var byteCount: Int {
      switch self {
      case .tensor(let tensor): tensor.byteCount
      case .bytes(let bytes): bytes.count
      }
    }

    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
    {
      switch self {
      case .tensor(let tensor): try tensor.withUnsafeBytes(body)
      case .bytes(let bytes): try bytes.withUnsafeBytes(body)
      }
    }
  }
}

extension InferResponse {
  /// Encodes the response (`$inference_response` of the Open Inference Protocol, with Triton's extensions), with those
  /// outputs in binary that the request wants so.
  /// - Parameter extra: writes more members of the object, each after a comma.
  /// - Throws: ``ProtocolError`` for an output that only binary can carry and that is wanted in JSON.
  public func encoded(
    for request: InferRequest, extra: (inout JSONWriter) -> Void = { _ in }
  ) throws(ProtocolError) -> EncodedInferResponse {
    let isBinaryByDefault = request.parameters["binary_data_output"] == .bool(true)
    var writer = JSONWriter(capacity: encodedBound(for: request).json)
    var tail: [EncodedInferResponse.TensorBytes] = []
    writer.raw("{")
    if !id.isEmpty {
      writer.raw("\"id\":")
      writer.string(id)
      writer.raw(",")
    }
    writer.raw("\"model_name\":")
    writer.string(model)
    writer.raw(",\"model_version\":\"")
    writer.number(version)
    writer.raw("\"")
    if !parameters.isEmpty {
      writer.raw(",\"parameters\":")
      writer.parameters(parameters)
    }
    writer.raw(",\"outputs\":[")
    for (index, output) in outputs.enumerated() {
      if index > 0 { writer.raw(",") }
      let isBinary = request.wants(output)?.isBinary ?? isBinaryByDefault
      try writer.output(output, isBinary: isBinary, tail: &tail)
    }
    writer.raw("]")
    extra(&writer)
    writer.raw("}")
    return EncodedInferResponse(json: writer.bytes, tail: tail)
  }
}

extension InferRequest {
  /// The entry of the request that asks for an output; `nil` if it names none.
  fileprivate func wants(_ output: NamedTensor) -> RequestedOutput? {
    let name = output.sequence ?? output.name
    return outputs.first { $0.name == name }
  }
}

extension InferResponse {
  /// The most bytes that ``encoded(for:extra:)`` gives, about, for names as models have them: of JSON, and of what follows it.
  public func encodedBound(for request: InferRequest) -> (json: Int, tail: Int) {
    let isBinaryByDefault = request.parameters["binary_data_output"] == .bool(true)
    var json = 512 + 6 * (id.utf8.count + model.utf8.count)
    var tail = 0
    for (name, _) in parameters { json += 64 + 6 * name.utf8.count }
    for output in outputs {
      json += 256 + 6 * output.name.utf8.count + 21 * output.shape.rank
      let isBinary = request.wants(output)?.isBinary ?? isBinaryByDefault
      switch output.contents {
      case .shared(let range): json += 6 * range.region.utf8.count
      case .tensor(let tensor) where isBinary: tail += tensor.byteCount
      case .tensor(let tensor): json += tensor.shape.elementCount * tensor.elementType.longestText
      case .strings(let strings) where isBinary: tail += strings.reduce(0) { $0 + 4 + $1.count }
      // A control character takes six bytes.
      case .strings(let strings): json += strings.reduce(0) { $0 + 3 + 6 * $1.count }
      }
    }
    return (json, tail)
  }
}

extension [UInt8] {
  fileprivate var isUTF8: Bool {
    allSatisfy { $0 < 0x80 } || String(validating: self, as: UTF8.self) != nil
  }
}

extension ElementType {
  /// The most bytes of an element's text in JSON, with a comma.
  fileprivate var longestText: Int {
    switch self {
    case .int8, .uint8: 5
    case .bool, .int16, .uint16: 7
    case .int32, .uint32: 12
    case .int64, .uint64: 21
    case .float32: 17
    case .float64: 26
    default: 0
    }
  }
}

extension JSONWriter {
  fileprivate mutating func output(
    _ output: NamedTensor, isBinary: Bool, tail: inout [EncodedInferResponse.TensorBytes]
  ) throws(ProtocolError) {
    raw("{\"name\":")
    string(output.name)
    raw(",\"datatype\":\"")
    for byte in output.datatype.rawValue.utf8 { raw(byte) }
    raw("\",\"shape\":[")
    for (index, size) in output.shape.dims.enumerated() {
      if index > 0 { raw(",") }
      number(size)
    }
    raw("]")
    switch output.contents {
    case .shared(let range):
      raw(",\"parameters\":")
      parameters([
        "shared_memory_region": .string(range.region), "shared_memory_offset": .int(Int64(range.offset)),
        "shared_memory_byte_size": .int(Int64(range.byteCount)),
      ])
    case .tensor(let tensor) where isBinary:
      binary(tensor.byteCount)
      tail.append(.tensor(tensor))
    case .strings(let strings) where isBinary:
      let bytes = BinaryTail.bytes(of: strings)
      binary(bytes.count)
      tail.append(.bytes(bytes))
    case .strings(let strings):
      raw(",\"data\":[")
      for (index, text) in strings.enumerated() {
        if index > 0 { raw(",") }
        guard text.isUTF8 else {
          throw ProtocolError(
            "output '\(output.name)' has bytes that are not UTF-8, which JSON cannot represent; request it as binary data"
          )
        }
        string(text)
      }
      raw("]")
    case .tensor(let tensor):
      raw(",\"data\":[")
      try elements(of: tensor, name: output.name)
      raw("]")
    }
    raw("}")
  }

  private mutating func binary(_ byteCount: Int) {
    raw(",\"parameters\":{\"binary_data_size\":")
    number(byteCount)
    raw("}")
  }

  private mutating func elements(of tensor: Tensor, name: String) throws(ProtocolError) {
    switch tensor.elementType {
    case .bool: list(tensor, UInt8.self) { $0.bool($1 != 0) }
    case .int8: list(tensor, Int8.self) { $0.number($1) }
    case .int16: list(tensor, Int16.self) { $0.number($1) }
    case .int32: list(tensor, Int32.self) { $0.number($1) }
    case .int64: list(tensor, Int64.self) { $0.number($1) }
    case .uint8: list(tensor, UInt8.self) { $0.number($1) }
    case .uint16: list(tensor, UInt16.self) { $0.number($1) }
    case .uint32: list(tensor, UInt32.self) { $0.number($1) }
    case .uint64: list(tensor, UInt64.self) { $0.number($1) }
    case .float32: list(tensor, Float.self) { $0.number($1) }
    case .float64: list(tensor, Double.self) { $0.number($1) }
    default:
      throw ProtocolError(
        "output '\(name)' is \(tensor.elementType), which JSON cannot represent; request it as binary data")
    }
  }

  private mutating func list<Element: BitwiseCopyable>(
    _ tensor: Tensor, _: Element.Type, _ body: (inout JSONWriter, Element) -> Void
  ) {
    tensor.withUnsafeBytes { bytes in
      let stride = MemoryLayout<Element>.stride
      for index in 0..<bytes.count / stride {
        if index > 0 { raw(",") }
        body(&self, bytes.loadUnaligned(fromByteOffset: index * stride, as: Element.self))
      }
    }
  }
}
