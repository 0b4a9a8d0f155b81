import Tensors

extension InferRequest {
  /// Reads a request's JSON, with its binary tensors from `tail` (`$inference_request` of the Open Inference Protocol, and
  /// Triton's binary data, shared memory, classification and schedule extensions).
  /// - Parameter onOther: reads the value of a member that the protocol does not have; passed over when left out.
  /// - Throws: ``ProtocolError``.
  public init(
    json reader: inout JSONReader, tail: inout BinaryTail, model: String, version: Int? = nil,
    onOther: (inout JSONReader, String) throws -> Void = { reader, _ in try reader.skipValue() }
  ) throws {
    self.init(model: model, version: version, inputs: [])
    var hasInputs = false
    try reader.readObject { reader, member in
      switch member {
      case "id":
        // Triton's own clients send strings; others number their requests.
        if try reader.kind() == .number {
          let start = reader.position
          _ = try reader.readNumber()
          id = String(decoding: reader.bytes[start..<reader.position], as: UTF8.self)
        } else {
          id = try reader.readString()
        }
      case "parameters": parameters = try reader.readParameters()
      case "inputs":
        hasInputs = true
        try reader.readArray { reader in
          try reader.held?.reserve(InferRequest.bytesOfTensor)
          inputs.append(try NamedTensor(json: &reader, tail: &tail))
        }
      case "outputs":
        try reader.readArray { reader in
          try reader.held?.reserve(InferRequest.bytesOfTensor)
          outputs.append(try RequestedOutput(json: &reader))
        }
      default: try onOther(&reader, member)
      }
    }
    guard hasInputs else { throw ProtocolError("the request has no 'inputs'") }
    try checkStateless()
  }

  /// About what an input, or an output that is asked for, takes besides its elements.
  public static let bytesOfTensor = 512

  /// - Throws: ``ProtocolError`` when the request belongs to a sequence: models keep no state between requests.
  public func checkStateless() throws(ProtocolError) {
    switch parameters["sequence_id"] {
    case nil, .int(0), .string(""), .double(0): return
    default:
      throw ProtocolError("'sequence_id' is not supported: no model here keeps state between requests")
    }
  }

  /// A request whose whole body is the one input of a model (Triton's raw binary request). The size of the axis that is
  /// open follows from the body's.
  /// - Throws: ``ProtocolError`` when the model has several inputs, or the body does not fill its shape.
  public init(raw body: TensorBuffer, for metadata: ModelMetadataMessage, version: Int? = nil) throws {
    guard let input = metadata.inputs.first, metadata.inputs.count == 1 else {
      throw ProtocolError(
        "model '\(metadata.name)' has \(metadata.inputs.count) inputs: a raw binary request is for models with one"
      )
    }
    guard let datatype = DataType(rawValue: input.datatype), let type = datatype.elementType else {
      throw ProtocolError("model '\(metadata.name)': input '\(input.name)' cannot be sent as raw binary")
    }
    let open = input.shape.filter { $0 < 0 }.count
    guard open <= 1 else {
      throw ProtocolError(
        "model '\(metadata.name)': input '\(input.name)' has \(open) open sizes, a raw binary request can leave one open"
      )
    }
    let width = type.byteCount(of: 1) ?? 1
    let known = try Shape(checking: input.shape.filter { $0 >= 0 }).elementCount
    let row = known.multipliedReportingOverflow(by: width).partialValue
    let byteCount = body.bytes.count
    guard row > 0, byteCount % row == 0, open == 1 || byteCount == row else {
      throw ProtocolError(
        "model '\(metadata.name)': \(byteCount) bytes do not fill input '\(input.name)' of "
          + "\(input.datatype)\(input.shape)")
    }
    let shape = try Shape(checking: input.shape.map { $0 < 0 ? byteCount / row : $0 })
    self.init(
      model: metadata.name, version: version, parameters: ["binary_data_output": .bool(true)],
      inputs: [
        NamedTensor(
          name: input.name, datatype: datatype, shape: shape,
          contents: .tensor(try Tensor(elementType: type, shape: shape, buffer: body)))
      ])
  }
}

extension NamedTensor {
  /// Reads an input: `data` in the JSON, or binary, or in shared memory.
  init(json reader: inout JSONReader, tail: inout BinaryTail) throws {
    var name: String?
    var shape: Shape?
    var datatype: DataType?
    var parameters: [String: Parameter] = [:]
    var data: Int?
    try reader.readObject { reader, member in
      switch member {
      case "name": name = try reader.readString()
      case "shape": shape = try reader.readShape(name: name ?? "")
      case "datatype":
        let text = try reader.readString()
        guard let known = DataType(rawValue: text) else {
          throw ProtocolError("tensor '\(name ?? "")': there is no datatype '\(text.prefix(16))'")
        }
        datatype = known
      case "parameters": parameters = try reader.readParameters()
      case "data":
        // The tensor's datatype may follow its data.
        data = reader.position
        try reader.skipValue()
      default: try reader.skipValue()
      }
    }
    guard let name, let shape, let datatype else {
      throw ProtocolError("input '\(name ?? "")' needs 'name', 'shape' and 'datatype'")
    }
    self.init(name: name, datatype: datatype, shape: shape, contents: .strings([]))
    if let range = try SharedMemoryRange(parameters, of: name) {
      contents = .shared(range)
    } else if let size = parameters["binary_data_size"] {
      guard case .int(let size) = size, let size = Int(exactly: size) else {
        throw ProtocolError("tensor '\(name)': 'binary_data_size' is not a whole number")
      }
      contents = try tail.take(size, name: name, datatype: datatype, shape: shape)
    } else if let data {
      var again = JSONReader(reader.bytes, from: data)
      again.held = reader.held
      contents = try again.readElements(name: name, datatype: datatype, shape: shape)
    } else {
      throw ProtocolError(
        "tensor '\(name)' has neither 'data' nor 'binary_data_size' nor a shared-memory region")
    }
  }
}

extension RequestedOutput {
  init(json reader: inout JSONReader) throws {
    var name: String?
    var parameters: [String: Parameter] = [:]
    try reader.readObject { reader, member in
      switch member {
      case "name": name = try reader.readString()
      case "parameters": parameters = try reader.readParameters()
      default: try reader.skipValue()
      }
    }
    guard let name else { throw ProtocolError("a requested output has no 'name'") }
    try self.init(name: name, parameters: parameters)
  }

  /// Reads the parameters of a requested output, from either protocol.
  /// - Throws: ``ProtocolError`` if a parameter has the wrong type.
  public init(name: String, parameters: [String: Parameter]) throws(ProtocolError) {
    self.init(name: name)
    switch parameters["classification"] {
    case nil: break
    case .int(let count) where count >= 0: classCount = count == 0 ? nil : Int(clamping: count)
    default: throw ProtocolError("output '\(name)': 'classification' is not a number of classes")
    }
    switch parameters["binary_data"] {
    case nil: break
    case .bool(let value): isBinary = value
    default: throw ProtocolError("output '\(name)': 'binary_data' is neither true nor false")
    }
    shared = try SharedMemoryRange(parameters, of: name)
  }
}

extension SharedMemoryRange {
  /// The range that a tensor's parameters name; `nil` when they name none.
  /// - Throws: ``ProtocolError`` when one is missing or not of its type.
  public init?(_ parameters: [String: Parameter], of tensor: String) throws(ProtocolError) {
    guard let region = parameters["shared_memory_region"] else { return nil }
    guard case .string(let region) = region else {
      throw ProtocolError("tensor '\(tensor)': 'shared_memory_region' is not a string")
    }
    func number(_ name: String, or other: Int?) throws(ProtocolError) -> Int {
      if case .int(let value) = parameters[name], let value = Int(exactly: value), value >= 0 { return value }
      guard parameters[name] == nil, let other else {
        throw ProtocolError("tensor '\(tensor)': '\(name)' is not a number of bytes")
      }
      return other
    }
    self.init(
      region: region, offset: try number("shared_memory_offset", or: 0),
      byteCount: try number("shared_memory_byte_size", or: nil))
  }
}
