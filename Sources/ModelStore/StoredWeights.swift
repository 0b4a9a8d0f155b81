import Tensors

/// One weight of a compiled model: a tensor, packed as a kernel wants it, somewhere in an extent.
public struct StoredWeight: Sendable, Hashable, Codable {
  public var name: String
  /// Index of the extent that it lies in.
  public var extent: Int
  /// Bytes from the extent's start, a multiple of 64.
  public var offset: Int
  /// Bytes that it takes in its layout.
  public var byteCount: Int
  public var elementType: ElementType
  public var shape: Shape
  /// The device's descriptor of how the elements lie; empty for dense and row-major.
  public var layout: [UInt8]

  public init(
    name: String, extent: Int, offset: Int, byteCount: Int, elementType: ElementType, shape: Shape,
    layout: [UInt8]
  ) {
    self.name = name
    self.extent = extent
    self.offset = offset
    self.byteCount = byteCount
    self.elementType = elementType
    self.shape = shape
    self.layout = layout
  }
}

/// The unit of residency: whole pages of a compiled model's file with one large weight, or a block of small ones.
public struct StoredExtent: Sendable, Hashable, Codable {
  /// Names the extent by its bytes, all `byteCount` of them: equal extents have equal hashes, whichever file they are in.
  public var hash: ContentHash
  /// The offset in the file, a multiple of the page size.
  public var offset: Int
  /// Its length, a multiple of the page size.
  public var byteCount: Int
  /// Bytes that weights lie in; the rest are zeros.
  public var usedBytes: Int

  public init(hash: ContentHash, offset: Int, byteCount: Int, usedBytes: Int) {
    self.hash = hash
    self.offset = offset
    self.byteCount = byteCount
    self.usedBytes = usedBytes
  }
}
