import InferenceProtocol
import Tensors

/// The regions that one request's outputs are written to. They stay open, also when they are unregistered meanwhile.
package struct SharedMemoryTargets: Sendable {
  /// By region; the request's ranges lie in them.
  fileprivate let objects: [String: SharedMemoryObject]

  init(objects: [String: SharedMemoryObject]) { self.objects = objects }

  /// Writes the elements to a range that these are the targets of.
  /// - Returns: the range that was written.
  /// - Throws: ``ServiceError`` when the range is too short, or the object was cut short.
  package func write(_ output: NamedTensor, to range: SharedMemoryRange) throws -> SharedMemoryRange {
    guard let object = objects[range.region] else {
      throw ServiceError(
        .failed, "shared-memory region '\(shown(range.region))' was not kept for '\(output.name)'")
    }
    func write(_ bytes: UnsafeRawBufferPointer) throws -> SharedMemoryRange {
      guard bytes.count <= range.byteCount else {
        throw ServiceError(
          .invalidRequest,
          "output '\(output.name)' has \(bytes.count) bytes, more than the \(range.byteCount) that were set aside in "
            + "shared-memory region '\(shown(range.region))'")
      }
      try object.write(bytes, at: range.offset)
      return SharedMemoryRange(region: range.region, offset: range.offset, byteCount: bytes.count)
    }
    switch output.contents {
    case .tensor(let tensor): return try tensor.withUnsafeBytes(write)
    case .strings(let strings): return try ByteStrings.encode(strings).withUnsafeBytes(write)
    case .shared: throw ServiceError(.failed, "output '\(output.name)' lies in shared memory already")
    }
  }
}

/// BYTES tensors as they lie in memory: each element after its length in four bytes, little-endian.
enum ByteStrings {
  /// - Throws: ``ServiceError`` when `bytes` are not exactly `count` elements.
  static func decode(_ bytes: [UInt8], count: Int, region: String) throws -> [[UInt8]] {
    func malformed() -> ServiceError {
      ServiceError(
        .invalidRequest,
        "the bytes in shared-memory region '\(shown(region))' are not \(count) elements of BYTES")
    }
    guard count <= bytes.count / 4 else { throw malformed() }
    var strings: [[UInt8]] = []
    strings.reserveCapacity(count)
    var rest = bytes[...]
    for _ in 0..<count {
      guard rest.count >= 4 else { throw malformed() }
      let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard rest.count >= length else { throw malformed() }
      strings.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    guard rest.isEmpty else { throw malformed() }
    return strings
  }

  /// Strings are shorter than 2³² bytes each: they were made here.
  static func encode(_ strings: [[UInt8]]) -> [UInt8] {
    strings.flatMap { string in
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: string.count).littleEndian) { Array($0) } + string
    }
  }
}
