import GRPCMessages
import InferenceProtocol
import Serving
import Tensors

extension NamedTensor {
  /// An input as it came.
  /// - Parameters:
  ///   - shared: where its elements are, when they are in shared memory.
  ///   - raw: its elements, when they came in `raw_input_contents`.
  ///   - held: what is made of those is counted in it.
  /// - Throws: ``ServiceError`` or ``ProtocolError`` when shape, type and elements do not belong together.
  init(
    _ message: Inference_ModelInferRequest.InferInputTensor, shared: SharedMemoryRange?, raw: TensorBuffer?,
    holding held: HeldBytes?
  ) throws {
    let name = shown(message.name)
    guard let datatype = DataType(rawValue: message.datatype) else {
      throw ServiceError(
        .invalidRequest, "input '\(name)': there is no datatype '\(shown(message.datatype))'")
    }
    let shape: Shape
    do {
      shape = try Shape(checking: message.shape.map { Int(clamping: $0) })
    } catch { throw ServiceError(.invalidRequest, "input '\(name)': \(error)") }
    let contents: TensorContents
    if let shared {
      contents = .shared(shared)
    } else if let raw {
      guard !message.hasContents else {
        throw ServiceError(
          .invalidRequest, "input '\(name)' has both contents and raw_input_contents; leave one out")
      }
      contents = try TensorContents(raw: raw, datatype: datatype, shape: shape, name: name, holding: held)
    } else {
      contents = try TensorContents(message.contents, datatype: datatype, shape: shape, name: name)
    }
    self.init(name: message.name, datatype: datatype, shape: shape, contents: contents)
  }
}

extension TensorContents {
  /// Elements as they lie in memory, little-endian.
  init(
    raw: TensorBuffer, datatype: DataType, shape: Shape, name: String, holding held: HeldBytes?
  ) throws {
    guard let elementType = datatype.elementType else {
      let most = min(shape.elementCount, raw.bytes.count / 4)
      try held?.reserve(BinaryTail.bytesOfStrings(most, byteCount: raw.bytes.count))
      self = .strings(try BinaryTail.strings(raw.bytes, name: name, count: shape.elementCount))
      return
    }
    let expected = elementType.byteCount(of: shape.elementCount)
    guard expected == raw.bytes.count else {
      throw ServiceError(
        .invalidRequest,
        "input '\(name)' of \(datatype.rawValue) \(shape) takes \(expected.map(String.init) ?? "too many") bytes, "
          + "but \(raw.bytes.count) were given")
    }
    self = .tensor(try Tensor(elementType: elementType, shape: shape, buffer: raw))
  }

  /// Elements in the list of their datatype.
  init(_ message: Inference_InferTensorContents, datatype: DataType, shape: Shape, name: String) throws {
    func tensor<Element: TensorElement>(_ elements: [Element], _ list: String) throws -> TensorContents {
      try TensorContents.check(elements.count, list, datatype, shape, name)
      return .tensor(try Tensor(elements, shape: shape))
    }
    func narrowed<Element: TensorElement & FixedWidthInteger, Wide: FixedWidthInteger>(
      _ elements: [Wide], to: Element.Type, _ list: String
    ) throws -> TensorContents {
      try TensorContents.check(elements.count, list, datatype, shape, name)
      let narrow = try elements.map { element in
        guard let value = Element(exactly: element) else {
          throw ServiceError(
            .invalidRequest, "input '\(name)': \(element) is not a valid \(datatype.rawValue)")
        }
        return value
      }
      return .tensor(try Tensor(narrow, shape: shape))
    }
    switch datatype {
    case .bool: self = try tensor(message.boolContents, "bool_contents")
    case .int8: self = try narrowed(message.intContents, to: Int8.self, "int_contents")
    case .int16: self = try narrowed(message.intContents, to: Int16.self, "int_contents")
    case .int32: self = try tensor(message.intContents, "int_contents")
    case .int64: self = try tensor(message.int64Contents, "int64_contents")
    case .uint8: self = try narrowed(message.uintContents, to: UInt8.self, "uint_contents")
    case .uint16: self = try narrowed(message.uintContents, to: UInt16.self, "uint_contents")
    case .uint32: self = try tensor(message.uintContents, "uint_contents")
    case .uint64: self = try tensor(message.uint64Contents, "uint64_contents")
    case .float32: self = try tensor(message.fp32Contents, "fp32_contents")
    case .float64: self = try tensor(message.fp64Contents, "fp64_contents")
    case .bytes:
      try TensorContents.check(message.bytesContents.count, "bytes_contents", datatype, shape, name)
      self = .strings(message.bytesContents.map { [UInt8]($0) })
    case .float16, .bfloat16:
      throw ServiceError(
        .invalidRequest,
        "input '\(name)': the protocol has no list of \(datatype.rawValue); use raw_input_contents")
    }
  }

  private static func check(
    _ count: Int, _ list: String, _ datatype: DataType, _ shape: Shape, _ name: String
  ) throws {
    guard count == shape.elementCount else {
      throw ServiceError(
        .invalidRequest,
        "input '\(name)' of \(datatype.rawValue) \(shape) takes \(shape.elementCount) elements, "
          + "but \(list) has \(count)")
    }
  }
}
