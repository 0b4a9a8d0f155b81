import Tensors

/// Names memory of one device: an arena, or an extent that was loaded. Never a host pointer.
public struct MemoryHandle: Sendable, Hashable {
  public var rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Memory from `offset` of what `handle` names.
public struct MemorySpan: Sendable, Hashable {
  public var handle: MemoryHandle
  public var offset: Int

  public init(_ handle: MemoryHandle, offset: Int = 0) {
    self.handle = handle
    self.offset = offset
  }
}

/// A plan's memory table as the device resolves it: what the slots of a ``Location`` stand for in one run.
/// Used by one lane at a time.
public protocol BoundMemory: AnyObject, Sendable {
  /// Binds `slot` to `span`.
  func attach(_ span: MemorySpan, to slot: Int) throws
  /// The texts that elements of type ``ElementType/string`` stand for; `nil` in a run that has none.
  var strings: StringTable? { get set }
}

/// A request to load the bytes of one extent.
public struct LoadRequest: Sendable {
  /// The way in which the bytes are loaded.
  public enum Way: String, Sendable, Hashable, Codable, CaseIterable {
    /// In place: the file's pages in the page cache, mapped read-only.
    case mapped
    /// Read past the page cache into recycled memory.
    case read
  }

  /// The extent's name, for errors and traces.
  public var name: String
  /// An open descriptor of the file. Open as long as `file` lives.
  public var descriptor: Int32
  /// Keeps the descriptor open, and names the file: equal objects are one file.
  public var file: any AnyObject & Sendable
  /// The file's path, for errors.
  public var path: String
  /// The extent's offset in the file, a multiple of the page size.
  public var offset: Int
  /// Bytes, a multiple of the page size.
  public var byteCount: Int
  public var way: Way

  public init(
    name: String, descriptor: Int32, file: any AnyObject & Sendable, path: String, offset: Int,
    byteCount: Int,
    way: Way
  ) {
    self.name = name
    self.descriptor = descriptor
    self.file = file
    self.path = path
    self.offset = offset
    self.byteCount = byteCount
    self.way = way
  }
}
