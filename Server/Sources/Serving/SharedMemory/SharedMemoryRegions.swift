import Device
import InferenceProtocol
import Tensors

/// The system shared-memory regions that clients have registered (Triton's shared memory extension).
public final class SharedMemoryRegions: Sendable {
  /// One region as `status` gives it.
  public struct Region: Sendable, Hashable, Codable {
    public var name: String
    /// The POSIX shared-memory object, as `shm_open` takes it.
    public var key: String
    public var offset: Int
    public var byteCount: Int

    enum CodingKeys: String, CodingKey {
      case name, key, offset
      case byteCount = "byte_size"
    }
  }

  /// True if clients may register regions.
  public let isAllowed: Bool
  /// The most bytes of one tensor: an object can be larger than the machine's memory.
  private let maxTensorBytes: Int
  private let objects = Locked<[String: SharedMemoryObject]>([:])

  /// The most regions at one time; each is an open file.
  private static let maxCount = 1024
  private static let maxNameBytes = 255

  package init(isAllowed: Bool, maxTensorBytes: Int) {
    self.isAllowed = isAllowed
    self.maxTensorBytes = maxTensorBytes
  }

  /// Makes a part of a shared-memory object known under a name.
  /// - Throws: ``ServiceError``: it is not allowed, there is no such object, it is too short, or the name is taken.
  public func register(name: String, key: String, offset: Int, byteCount: Int) throws {
    guard isAllowed else {
      throw ServiceError(
        .unsupported, "shared memory is off; start the server with --shared-memory to allow it")
    }
    guard !name.isEmpty, name.utf8.count <= SharedMemoryRegions.maxNameBytes else {
      throw ServiceError(
        .invalidRequest,
        "the name of a shared-memory region has 1 to \(SharedMemoryRegions.maxNameBytes) bytes")
    }
    let object = try SharedMemoryObject(
      Region(name: name, key: key, offset: offset, byteCount: byteCount))
    try objects.withLock { objects in
      guard objects[name] == nil else {
        throw ServiceError(
          .invalidRequest, "shared-memory region '\(shown(name))' is registered already; unregister it first")
      }
      guard objects.count < SharedMemoryRegions.maxCount else {
        throw ServiceError(
          .tooManyRequests,
          "\(SharedMemoryRegions.maxCount) shared-memory regions are registered; unregister some")
      }
      objects[name] = object
    }
  }

  /// Takes a region back, or all of them; requests that were taken with it still use it. One that is not registered is
  /// no error.
  public func unregister(name: String?) {
    // Closed after the lock is given back.
    let removed: [SharedMemoryObject] = objects.withLock { objects in
      guard let name else {
        defer { objects = [:] }
        return Array(objects.values)
      }
      return objects.removeValue(forKey: name).map { [$0] } ?? []
    }
    withExtendedLifetime(removed) {}
  }

  /// One region, or all of them, by name.
  /// - Throws: ``ServiceError`` when there is no such region.
  public func status(name: String?) throws -> [Region] {
    guard let name else {
      return objects.withLock { objects in objects.values.map(\.region) }.sorted { $0.name < $1.name }
    }
    return [try object(name).region]
  }

  /// A copy of the elements that lie in a region.
  /// - Parameter held: what the copy is counted in, before it is made.
  /// - Throws: ``ServiceError`` when the range is not inside a registered region, or not as long as the tensor;
  ///   ``AccountFull``.
  public func tensor(
    _ range: SharedMemoryRange, datatype: DataType, shape: Shape, holding held: HeldBytes? = nil
  ) throws -> TensorContents {
    let object = try object(range)
    guard let elementType = datatype.elementType else {
      try held?.reserve(
        range.byteCount
          + BinaryTail.bytesOfStrings(
            min(shape.elementCount, range.byteCount / 4), byteCount: range.byteCount))
      let bytes = try [UInt8](unsafeUninitializedCapacity: range.byteCount) { buffer, count in
        try object.read(
          into: UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.byteCount]), at: range.offset)
        count = range.byteCount
      }
      return .strings(try ByteStrings.decode(bytes, count: shape.elementCount, region: range.region))
    }
    guard elementType.byteCount(of: shape.elementCount) == range.byteCount else {
      throw ServiceError(
        .invalidRequest,
        "a tensor of \(datatype.rawValue) and shape \(shape) has another size than the \(range.byteCount) bytes in "
          + "shared-memory region '\(shown(range.region))'")
    }
    try held?.reserve(range.byteCount)
    return .tensor(
      try Tensor(elementType: elementType, shape: shape) { try object.read(into: $0, at: range.offset) })
  }

  /// Returns the destinations of a request's outputs. They stay open until the result is dropped.
  /// - Throws: ``ServiceError`` if a range is not inside a registered region, or if two ranges share bytes.
  package func targets(of outputs: [RequestedOutput]) throws -> SharedMemoryTargets {
    let ranges = outputs.compactMap(\.shared)
    var objects: [String: SharedMemoryObject] = [:]
    for range in ranges { objects[range.region] = try object(range) }
    // The ranges lie in their regions, so that no sum overflows.
    let sorted = ranges.sorted { ($0.region, $0.offset) < ($1.region, $1.offset) }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where first.region == second.region && second.offset < first.offset + first.byteCount {
      throw ServiceError(
        .invalidRequest,
        "two outputs share bytes of shared-memory region '\(shown(first.region))' from offset \(second.offset) on"
      )
    }
    return SharedMemoryTargets(objects: objects)
  }

  private func object(_ name: String) throws -> SharedMemoryObject {
    guard let object = objects.withLock({ $0[name] }) else {
      throw ServiceError(.invalidRequest, "there is no shared-memory region '\(shown(name))'")
    }
    return object
  }

  /// The object of a range that lies in its region.
  private func object(_ range: SharedMemoryRange) throws -> SharedMemoryObject {
    let object = try object(range.region)
    let (end, overflow) = range.offset.addingReportingOverflow(range.byteCount)
    guard range.offset >= 0, range.byteCount >= 0, !overflow, end <= object.region.byteCount else {
      throw ServiceError(
        .invalidRequest,
        "\(range.byteCount) bytes from offset \(range.offset) on do not lie in the \(object.region.byteCount) bytes of "
          + "shared-memory region '\(shown(range.region))'")
    }
    guard range.byteCount <= maxTensorBytes else {
      throw ServiceError(
        .tooLarge,
        "\(range.byteCount) bytes of shared-memory region '\(shown(range.region))' are more than a request may have (\(maxTensorBytes))"
      )
    }
    return object
  }
}
