/// A dense row-major tensor in host memory. A value: copies share the bytes, which never change.
public struct Tensor: Sendable {
  /// The type of the elements.
  public let elementType: ElementType
  /// The sizes along each axis.
  public let shape: Shape
  /// The elements of a sequence; `nil` for an absent optional, and for every other tensor.
  public let list: [Tensor]?
  private let buffer: TensorBuffer
  private let offset: Int
  /// The texts that elements stand for; `nil` unless they are texts.
  package let table: StringTable?

  /// Bytes that the elements take.
  public let byteCount: Int

  /// A view of `buffer` from `offset` on. The bytes need not be aligned for the element type.
  /// - Throws: ``TensorError`` when the buffer is too short.
  public init(elementType: ElementType, shape: Shape, buffer: TensorBuffer, offset: Int = 0)
    throws(TensorError)
  {
    try self.init(elementType: elementType, shape: shape, buffer: buffer, offset: offset, table: nil)
  }

  /// - Parameter table: the texts that elements stand for; without it, all of them are empty.
  private init(
    elementType: ElementType, shape: Shape, buffer: TensorBuffer, offset: Int, table: StringTable?
  ) throws(TensorError) {
    guard let bytes = elementType.byteCount(of: shape.elementCount) else {
      throw TensorError(.tooManyElements(shape.dims))
    }
    let available = offset < 0 ? 0 : max(buffer.bytes.count - offset, 0)
    guard offset >= 0, available >= bytes else {
      throw TensorError(.byteCountMismatch(expected: bytes, found: available, elementType, shape))
    }
    self.elementType = elementType
    self.shape = shape
    self.buffer = buffer
    self.offset = offset
    list = nil
    self.table = elementType == .string ? table ?? StringTable() : nil
    byteCount = bytes
  }

  /// A sequence of tensors, or an optional: `nil` is an absent one.
  public init(list: [Tensor]?) throws {
    elementType = .sequence
    shape = .scalar
    byteCount = 8
    buffer = try TensorBuffer(byteCount: 8) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
    offset = 0
    table = nil
    self.list = list
  }

  /// Allocates a tensor and lets `fill` write all of its bytes.
  public init(
    elementType: ElementType, shape: Shape, fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    try self.init(elementType: elementType, shape: shape, table: nil, fill: fill)
  }

  /// - Parameter table: the texts that elements stand for; without it, all of them are empty.
  package init(
    elementType: ElementType, shape: Shape, table: StringTable?,
    fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard let bytes = elementType.byteCount(of: shape.elementCount) else {
      throw TensorError(.tooManyElements(shape.dims))
    }
    let buffer = try TensorBuffer(byteCount: bytes, fill: fill)
    try self.init(elementType: elementType, shape: shape, buffer: buffer, offset: 0, table: table)
  }

  /// A tensor with these elements in row-major order.
  /// - Throws: ``TensorError`` when their number is not the shape's.
  public init<Element: TensorElement>(_ elements: [Element], shape: Shape) throws {
    guard elements.count == shape.elementCount else {
      throw TensorError(
        .byteCountMismatch(
          expected: shape.elementCount * MemoryLayout<Element>.size,
          found: elements.count * MemoryLayout<Element>.size, Element.elementType, shape))
    }
    try self.init(elementType: Element.elementType, shape: shape) { memory in
      elements.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
  }

  /// The same elements under another shape with as many elements.
  public func reshaped(to shape: Shape) throws(TensorError) -> Tensor {
    guard shape.elementCount == self.shape.elementCount else {
      throw TensorError(
        .byteCountMismatch(
          expected: elementType.byteCount(of: shape.elementCount) ?? .max, found: byteCount, elementType,
          shape))
    }
    return try view(of: shape, from: 0)
  }

  /// Part of the bytes under another shape, from `start` on.
  func view(of shape: Shape, from start: Int) throws(TensorError) -> Tensor {
    try Tensor(elementType: elementType, shape: shape, buffer: buffer, offset: offset + start, table: table)
  }

  /// Gives the dense bytes, which may be unaligned.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(rebasing: buffer.bytes[offset..<offset + byteCount]))
  }

  /// The elements in row-major order, copied.
  /// - Throws: ``TensorError`` when `Element` is not the tensor's element type.
  public func elements<Element: TensorElement>(as type: Element.Type = Element.self) throws(TensorError)
    -> [Element]
  {
    guard Element.elementType == elementType else {
      throw TensorError(.elementTypeMismatch(expected: Element.elementType, found: elementType))
    }
    return withUnsafeBytes { bytes in
      [Element](unsafeUninitializedCapacity: shape.elementCount) { memory, count in
        let raw = UnsafeMutableRawBufferPointer(memory)
        raw.copyMemory(from: bytes)
        // A `Bool` of another bit pattern than 0 and 1 must not exist; files may hold others, which are true.
        if elementType == .bool { for index in raw.indices where raw[index] > 1 { raw[index] = 1 } }
        count = shape.elementCount
      }
    }
  }
}

extension Tensor: Equatable {
  /// Equal type, shape and bits, or texts.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.elementType == b.elementType, a.shape == b.shape, a.list == b.list else { return false }
    if a.table !== b.table { return a.stringBytes == b.stringBytes }
    if let table = a.table, let left = a.handles, let right = b.handles {
      return zip(left, right).allSatisfy(table.areEqual)
    }
    return a.withUnsafeBytes { left in b.withUnsafeBytes { right in left.elementsEqual(right) } }
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "\(elementType)\(shape)" }
}
