#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes extents one after the other in large aligned pieces, so that the page cache holds them in large folios and
/// mapping them later takes few page-table entries. An extent that is there already is not written again.
struct WeightSection {
  /// Bytes of one write.
  private static let pieceBytes = 8 << 20

  private let file: OpenFile
  private let piece: PieceBuffer
  private var filled = 0
  /// The offset of the piece in the file.
  private var pieceOffset = FileHeader.weightsOffset
  private var known: [ContentHash: StoredExtent] = [:]

  init(_ file: OpenFile) throws {
    self.file = file
    piece = try PieceBuffer(byteCount: WeightSection.pieceBytes)
  }

  /// Bytes of all extents so far.
  var byteCount: Int { pieceOffset + filled - FileHeader.weightsOffset }

  /// Adds an extent with these bytes, and zeros up to the end of its last page.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws -> StoredExtent {
    let zeros = [UInt8](repeating: 0, count: -bytes.count & (WeightIndex.pageSize - 1))
    var hasher = ContentHasher()
    hasher.update(bytes)
    zeros.withUnsafeBytes { hasher.update($0) }
    let hash = hasher.finish()
    if var extent = known[hash] {
      extent.usedBytes = bytes.count
      return extent
    }
    let extent = StoredExtent(
      hash: hash, offset: pieceOffset + filled, byteCount: bytes.count + zeros.count, usedBytes: bytes.count)
    try write(bytes)
    try zeros.withUnsafeBytes { try write($0) }
    known[hash] = extent
    return extent
  }

  private mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = rest.prefix(piece.bytes.count - filled)
      UnsafeMutableRawBufferPointer(rebasing: piece.bytes[filled...]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: part))
      filled += part.count
      rest = rest.dropFirst(part.count)
      if filled == piece.bytes.count { try flush() }
    }
  }

  /// Writes what is not in the file yet.
  mutating func flush() throws {
    try file.write(UnsafeRawBufferPointer(rebasing: piece.bytes[..<filled]), at: pieceOffset)
    pieceOffset += filled
    filled = 0
  }
}

/// Page-aligned memory for one piece.
private final class PieceBuffer {
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) throws {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, WeightIndex.pageSize, byteCount) == 0, let memory else {
      throw StoreError(
        .invalidModel(reason: "there is no memory to write a compiled model: \(byteCount) bytes"))
    }
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
  }

  deinit { free(bytes.baseAddress) }
}
