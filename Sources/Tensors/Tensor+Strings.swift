extension Tensor {
  /// A tensor of these texts in row-major order.
  /// - Throws: ``TensorError`` when their number is not the shape's.
  public init(strings: [String], shape: Shape) throws {
    try self.init(bytesOf: strings.map(\.utf8), shape: shape)
  }

  /// A tensor of texts of these bytes, which need not be UTF-8.
  /// - Throws: ``TensorError`` when their number is not the shape's.
  public init(bytesOf texts: [some Sequence<UInt8>], shape: Shape) throws {
    let table = StringTable()
    try self.init(handles: try texts.map { try table.add($0) }, of: table, shape: shape)
  }

  /// A tensor of texts of `table`.
  /// - Throws: ``TensorError`` when their number is not the shape's.
  package init(handles: [UInt64], of table: StringTable, shape: Shape) throws {
    guard handles.count == shape.elementCount else {
      throw TensorError(
        .byteCountMismatch(
          expected: ElementType.string.byteCount(of: shape.elementCount) ?? .max, found: handles.count * 8,
          .string, shape))
    }
    try self.init(elementType: .string, shape: shape, table: table) { memory in
      handles.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
  }

  /// The handles of the texts; `nil` unless the elements are texts.
  package var handles: [UInt64]? {
    guard elementType == .string else { return nil }
    return withUnsafeBytes { bytes in
      (0..<shape.elementCount).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }
  }

  /// The bytes of each text; `nil` unless the elements are texts.
  public var stringBytes: [[UInt8]]? {
    guard let handles, let table else { return nil }
    return handles.map { table[$0] }
  }

  /// The texts, in which bytes that are not UTF-8 are replaced; `nil` unless the elements are texts.
  public var strings: [String]? { stringBytes?.map { String(decoding: $0, as: UTF8.self) } }

  /// Bytes that the elements take, those of texts and of the tensors in a sequence included; `Int.max` where there are more.
  public var memoryBytes: Int {
    if let list { return bytes(withElementsOf: list) { $0.memoryBytes } }
    guard let handles, let table else { return byteCount }
    return handles.reduce(byteCount) { sum, handle in
      let (next, overflow) = sum.addingReportingOverflow(handle == 0 ? 0 : table.length(handle) + 8)
      return overflow ? .max : next
    }
  }

  /// The same texts in another table, as handles of it.
  package func handles(in table: StringTable) throws -> [UInt64]? {
    guard let handles, let own = self.table else { return nil }
    if own === table { return handles }
    // Elements that share a text share its copy: an expanded text takes no more there than here.
    var adopted: [UInt64: UInt64] = [:]
    return try handles.map { handle in
      if let known = adopted[handle] { return known }
      let copy = try table.adopt(handle, from: own)
      adopted[handle] = copy
      return copy
    }
  }

  /// The same tensors as texts of one table. Tensors of other elements stay as they are.
  static func sharingTable(_ tensors: [Tensor]) throws -> [Tensor] {
    guard let first = tensors.first?.table, tensors.contains(where: { $0.table !== first }) else {
      return tensors
    }
    let table = StringTable()
    return try tensors.map { tensor in
      guard let handles = try tensor.handles(in: table) else { return tensor }
      return try Tensor(handles: handles, of: table, shape: tensor.shape)
    }
  }
}
