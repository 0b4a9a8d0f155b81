/// The texts that the elements of string tensors stand for.
///
/// An element is a handle: 0 is the empty text and no other handle is, the lower 40 bits of another one are the number of a
/// text in a list from 1 on, and the bits above are the number of the list from 1 on. Lists are blocks that texts are added to,
/// or constants, which are not copied. A handle that the table does not have is the empty text.
///
/// @unchecked Sendable: one run, which is on one lane at a time, adds to a table. Others read it once the run has ended.
public final class StringTable: @unchecked Sendable {
  private var lists: [StringList] = []
  /// The block that texts are added to: its index, and the bytes and texts that it has room for.
  private var block: (index: Int, bytes: Int, texts: Int)?
  private var places: [ObjectIdentifier: UInt64] = [:]
  private var owners: [StringConstant] = []
  private var grow: ((Int) throws -> Void)?

  /// Bytes that the texts take which were added one by one.
  public private(set) var byteCount = 0

  private static let listShift: UInt64 = 40
  private static let indexMask: UInt64 = 1 << listShift - 1
  /// The bytes of the smallest block and of the largest one, unless a text is larger.
  private static let blockBytes = 1 << 10...1 << 20

  /// A table without a limit.
  public init() {}

  /// A table that calls `grow` with the bytes that it is about to take, a block at a time; texts are added unless it throws.
  package init(growing grow: @escaping (Int) throws -> Void) { self.grow = grow }

  /// Adds a text.
  /// - Returns: its handle.
  public func add(_ text: UnsafeBufferPointer<UInt8>) throws -> UInt64 {
    if text.isEmpty { return 0 }
    let index = try roomyBlock(text.count)
    lists[index].append(text)
    return UInt64(index + 1) << Self.listShift | UInt64(lists[index].count)
  }

  /// Adds a text.
  /// - Returns: its handle.
  public func add(_ text: some Sequence<UInt8>) throws -> UInt64 {
    if let handle = try text.withContiguousStorageIfAvailable({ try add($0) }) { return handle }
    return try Array(text).withUnsafeBufferPointer { try add($0) }
  }

  /// The index of a block with room for a text of `count` bytes. Blocks never move, and grow with the table.
  private func roomyBlock(_ count: Int) throws -> Int {
    if let block, lists[block.index].bytes.count + count <= block.bytes,
      lists[block.index].count < block.texts
    {
      return block.index
    }
    let bytes = max(min(max(byteCount, Self.blockBytes.lowerBound), Self.blockBytes.upperBound), count)
    let texts = min(bytes, Self.blockBytes.upperBound) / 16
    let taken = byteCount + bytes + texts * MemoryLayout<Int>.size
    try grow?(taken)
    byteCount = taken
    block = (lists.count, bytes, texts)
    lists.append(StringList(capacity: bytes, texts))
    return lists.count - 1
  }

  /// Makes the texts of a constant part of the table.
  /// - Returns: what is added to the number of a text, from 1 on, to make its handle.
  package func attach(_ constant: StringConstant) -> UInt64 {
    let identity = ObjectIdentifier(constant)
    if let place = places[identity] { return place }
    lists.append(constant.list)
    owners.append(constant)
    let place = UInt64(lists.count) << Self.listShift
    places[identity] = place
    return place
  }

  /// Ends the table's growth under a limit: nobody is asked any more.
  package func seal() { grow = nil }

  /// Calls `body` with the bytes of a text.
  @inline(__always)
  public func withBytes<Result>(_ handle: UInt64, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result)
    rethrows
    -> Result
  {
    let (list, index) = (Int(handle >> Self.listShift) - 1, Int(handle & Self.indexMask) - 1)
    if lists.indices.contains(list), index >= 0, index < lists[list].count {
      return try lists[list].withBytes(index, body)
    }
    return try body(UnsafeBufferPointer(start: nil, count: 0))
  }

  /// The bytes of a text.
  public subscript(_ handle: UInt64) -> [UInt8] { withBytes(handle) { Array($0) } }

  /// The number of bytes of a text.
  package func length(_ handle: UInt64) -> Int { withBytes(handle) { $0.count } }

  /// Returns true if two handles are of equal texts.
  package func areEqual(_ a: UInt64, _ b: UInt64) -> Bool {
    if a == b { return true }
    return withBytes(a) { left in withBytes(b) { right in left.elementsEqual(right) } }
  }

  /// Returns the handle here of each text of `other`.
  package func adopt(_ handle: UInt64, from other: StringTable) throws -> UInt64 {
    try other === self ? handle : other.withBytes(handle) { try add($0) }
  }
}

/// The texts of a constant, which tables share.
package final class StringConstant: Sendable {
  package let list: StringList
  package init(_ list: StringList) { self.list = list }
}
