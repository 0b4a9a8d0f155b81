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

  /// Whether clients may register regions.
  public let isAllowed: Bool

  init(isAllowed: Bool) { self.isAllowed = isAllowed }

  /// Maps a region.
  /// - Throws: ``ServiceError``: it is not allowed, there is no such object, it is too short, or the name is taken.
  public func register(name: String, key: String, offset: Int, byteCount: Int) throws {
    throw ServiceError(
      .unsupported, "shared memory is off; start the server with --shared-memory to allow it")
  }

  /// Takes a region back, or all of them. One that is not registered is no error.
  public func unregister(name: String?) {}

  /// One region, or all of them, by name.
  /// - Throws: ``ServiceError`` when there is no such region.
  public func status(name: String?) throws -> [Region] { [] }

  /// A copy of the elements that lie in a region.
  /// - Throws: ``ServiceError`` when the range is not inside a registered region.
  public func tensor(_ range: SharedMemoryRange, datatype: DataType, shape: Shape) throws -> TensorContents {
    throw ServiceError(.invalidRequest, "there is no shared-memory region '\(shown(range.region))'")
  }

  /// Writes the elements into a region.
  /// - Throws: ``ServiceError`` when the range is not inside a registered region, or too short.
  public func write(_ contents: TensorContents, to range: SharedMemoryRange) throws {
    throw ServiceError(.invalidRequest, "there is no shared-memory region '\(shown(range.region))'")
  }
}
