import Tensors

/// The bytes after a message's JSON (Triton's binary tensor data extension): tensors, one after another, in the order in
/// which the JSON names them. Tensors that are taken look at the message's bytes; nothing is copied.
public struct BinaryTail: Sendable {
  let buffer: TensorBuffer
  /// The offset of the next tensor from the start of the message.
  public private(set) var offset: Int
  /// The account of BYTES tensors, whose elements are copied; `nil` if they are not counted.
  public var held: HeldBytes?

  /// - Parameter buffer: the whole message.
  public init(_ buffer: TensorBuffer, from offset: Int) {
    self.buffer = buffer
    self.offset = min(max(offset, 0), buffer.bytes.count)
  }

  /// The bytes that no tensor has taken.
  public var byteCount: Int { buffer.bytes.count - offset }

  /// Takes the next tensor.
  /// - Throws: ``ProtocolError`` when there are not so many bytes, or not as many as the shape needs; ``AccountFull``.
  public mutating func take(
    _ byteCount: Int, name: String, datatype: DataType, shape: Shape
  ) throws -> TensorContents {
    guard byteCount >= 0, byteCount <= self.byteCount else {
      throw ProtocolError(
        "tensor '\(name)': binary_data_size is \(byteCount), the message has \(self.byteCount) bytes left")
    }
    defer { offset += byteCount }
    guard let type = datatype.elementType else {
      let part = UnsafeRawBufferPointer(rebasing: buffer.bytes[offset..<offset + byteCount])
      try held?.reserve(
        BinaryTail.bytesOfStrings(min(shape.elementCount, byteCount / 4), byteCount: byteCount))
      return .strings(try BinaryTail.strings(part, name: name, count: shape.elementCount))
    }
    guard type.byteCount(of: shape.elementCount) == byteCount else {
      throw ProtocolError(
        "tensor '\(name)': \(byteCount) bytes are not the \(type.byteCount(of: shape.elementCount) ?? 0) of "
          + "\(datatype.rawValue)\(shape)")
    }
    do {
      return .tensor(try Tensor(elementType: type, shape: shape, buffer: buffer, offset: offset))
    } catch { throw ProtocolError("tensor '\(name)': \(error)") }
  }

  /// - Throws: ``ProtocolError`` when bytes are left that no tensor has taken.
  public func finish() throws(ProtocolError) {
    guard byteCount == 0 else {
      throw ProtocolError("\(byteCount) bytes follow the last tensor; a binary_data_size may be missing")
    }
  }

  /// Returns the memory of a BYTES tensor of `count` elements with `byteCount` bytes together: an array for
  /// each element, and its place in the tensor's array.
  public static func bytesOfStrings(_ count: Int, byteCount: Int) -> Int { byteCount + 64 * count }

  /// The elements of a BYTES tensor: each after its length in four bytes, little-endian.
  /// - Throws: ``ProtocolError`` when a length is wrong, or there are not `count`.
  public static func strings(
    _ bytes: UnsafeRawBufferPointer, name: String, count: Int
  ) throws(ProtocolError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    // Each takes the four bytes of its length.
    result.reserveCapacity(min(count, bytes.count / 4))
    var position = 0
    while position < bytes.count {
      guard bytes.count - position >= 4 else {
        throw ProtocolError("tensor '\(name)': a string's length is cut off")
      }
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
      position += 4
      guard result.count < count else {
        throw ProtocolError("tensor '\(name)': there are more strings than the \(count) of the shape")
      }
      guard length <= bytes.count - position else {
        throw ProtocolError("tensor '\(name)': a string of \(length) bytes is cut off")
      }
      result.append(Array(bytes[position..<position + length]))
      position += length
    }
    guard result.count == count else {
      throw ProtocolError("tensor '\(name)': there are \(result.count) strings, the shape has \(count)")
    }
    return result
  }

  /// The bytes of a BYTES tensor.
  public static func bytes(of strings: [[UInt8]]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(strings.reduce(0) { $0 + 4 + $1.count })
    for string in strings {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: string.count).littleEndian) {
        result.append(contentsOf: $0)
      }
      result.append(contentsOf: string)
    }
    return result
  }
}
