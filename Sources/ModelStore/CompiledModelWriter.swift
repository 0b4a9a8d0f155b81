import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a compiled model: weights in execution order, then the rest.
///
/// A weight of 64 KiB or more starts on a page and is an extent of its own. Smaller ones are gathered, in their order,
/// into blocks. A block ends when it is full, and also after a weight whose own bytes say so (one in sixteen): two
/// models with a common run of weights then agree on the blocks within it, whatever comes before.
public final class CompiledModelWriter {
  private let file: OpenFile
  private var section: WeightSection
  /// A weight's `extent` is an index into `pieces` until the end.
  private var weights: [StoredWeight] = []
  /// The extents written so far, in the order of the first weights; `nil` for the open block. Equal pieces
  /// are one extent.
  private var pieces: [StoredExtent?] = []
  private var block: [UInt8] = []
  private var openBlock: Int?
  private var isFinished = false

  /// Creates the file.
  /// - Parameter path: where no file is.
  /// - Throws: ``StoreError``.
  public init(path: String) throws {
    file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
    section = try WeightSection(file)
  }

  /// Adds the next weight; its index in ``CompiledModel/weights``.
  /// - Parameters:
  ///   - layout: the device's descriptor; empty for dense and row-major.
  ///   - bytes: in that layout. They are written or copied before the call returns.
  /// - Throws: ``StoreError`` when the disk is full or fails, or the bytes do not fit the shape.
  @discardableResult
  public func addWeight(
    name: String, elementType: ElementType, shape: Shape, layout: [UInt8] = [], bytes: UnsafeRawBufferPointer
  ) throws -> Int {
    guard !layout.isEmpty || elementType.byteCount(of: shape.elementCount) == bytes.count else {
      throw StoreError(
        .invalidModel(
          reason: "weight '\(name)' is \(elementType)\(shape), but \(bytes.count) bytes were to be stored"))
    }
    let (piece, offset) = try bytes.count >= WeightIndex.blockBytes ? place(bytes) : gather(bytes)
    weights.append(
      StoredWeight(
        name: name, extent: piece, offset: offset, byteCount: bytes.count, elementType: elementType,
        shape: shape, layout: layout))
    return weights.count - 1
  }

  /// Writes graph, index, metadata and header, and waits until all is on the disk. The file is read-only then.
  /// - Throws: ``StoreError``; the file is worthless then.
  public func finish(graph: [UInt8], metadata: ModelMetadata) throws {
    guard !isFinished else { throw StoreError(.invalidModel(reason: "a compiled model was finished twice")) }
    isFinished = true
    try closeBlock()
    try section.flush()
    var encoder = ByteEncoder()
    makeIndex().encode(into: &encoder)
    encoder.append(graph)
    let json = try encodedMetadata(metadata)
    let header = FileHeader(
      weightsBytes: section.byteCount, metadata: json, rest: encoder.bytes, target: metadata.target)
    guard let headerBytes = header.encoded(), header.description.count <= FileHeader.maximumDescriptionBytes
    else {
      throw StoreError(
        .invalidModel(
          reason: "model '\(metadata.name)': its graph (\(graph.count) bytes) or target text is too large"))
    }
    try file.write(json + encoder.bytes, at: header.description.lowerBound)
    // The header comes last: without it the file is refused.
    try file.sync()
    try file.write(headerBytes, at: 0)
    guard fchmod(file.descriptor, 0o444) == 0 else { throw StoreError.system("protect", file.path) }
    try file.sync()
  }

  private func encodedMetadata(_ metadata: ModelMetadata) throws -> [UInt8] {
    do { return Array(try ModelMetadata.encoder.encode(metadata)) } catch {
      throw StoreError(
        .invalidModel(reason: "model '\(metadata.name)': its metadata cannot be written: \(error)"))
    }
  }

  // MARK: Extents

  private func place(_ bytes: UnsafeRawBufferPointer) throws -> (piece: Int, offset: Int) {
    pieces.append(try section.append(bytes))
    return (pieces.count - 1, 0)
  }

  private func gather(_ bytes: UnsafeRawBufferPointer) throws -> (piece: Int, offset: Int) {
    // A weight without bytes takes one, so that no block is empty.
    if alignedEnd + max(bytes.count, 1) > WeightIndex.blockBytes { try closeBlock() }
    block += [UInt8](repeating: 0, count: alignedEnd - block.count)
    let offset = block.count
    block += bytes
    if bytes.isEmpty { block.append(0) }
    let piece = openBlock ?? pieces.count
    if openBlock == nil {
      pieces.append(nil)
      openBlock = piece
    }
    if ContentHash(of: bytes).bytes[0] % 16 == 0 { try closeBlock() }
    return (piece, offset)
  }

  private var alignedEnd: Int { (block.count + WeightIndex.alignment - 1) & ~(WeightIndex.alignment - 1) }

  private func closeBlock() throws {
    guard let piece = openBlock else { return }
    pieces[piece] = try block.withUnsafeBytes { try section.append($0) }
    block.removeAll(keepingCapacity: true)
    openBlock = nil
  }

  /// The index, with equal pieces as one extent. The larger of two that differ in padding only says what is used.
  private func makeIndex() -> WeightIndex {
    var index = WeightIndex(extents: [], weights: weights)
    var known: [ContentHash: Int] = [:]
    let extentOfPiece = pieces.map { piece -> Int in
      guard let piece else { preconditionFailure("every block is closed before the index is made") }
      if let extent = known[piece.hash] {
        index.extents[extent].usedBytes = max(index.extents[extent].usedBytes, piece.usedBytes)
        return extent
      }
      known[piece.hash] = index.extents.count
      index.extents.append(piece)
      return index.extents.count - 1
    }
    for weight in weights.indices { index.weights[weight].extent = extentOfPiece[weights[weight].extent] }
    return index
  }
}
