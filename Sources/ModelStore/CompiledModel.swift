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

/// A compiled model's file, open and checked: header, index and size. Its weights are not read.
///
/// It stays usable when the store removes or replaces the file.
public final class CompiledModel: Sendable {
  /// The file's path at the time it was opened.
  public let path: String
  /// Tells the open file from all others, also from those that had its path before or get it later.
  public let identity: String
  public let metadata: ModelMetadata
  /// In the order in which a run needs them first. No two have the same hash.
  public let extents: [StoredExtent]
  /// In execution order.
  public let weights: [StoredWeight]
  /// The graph, as the compiler encoded it.
  public let graph: [UInt8]
  private let file: OpenFile

  /// The open file, for loads; closed with this object.
  public var descriptor: Int32 { file.descriptor }

  /// The ``identity`` that the file would have if it were opened now. It differs if the file was written to
  /// or truncated since. `nil` if the system does not tell.
  public var identityNow: String? { try? file.status().fileIdentity }

  /// Bytes of all extents: what the model's weights take when they are resident.
  public var extentBytes: Int { extents.reduce(0) { $0 + $1.byteCount } }

  /// Opens a file and checks everything but the weights' checksums.
  /// - Throws: ``StoreError``: of kind `damaged` when it is torn, cut short or altered.
  public static func open(_ path: String) throws -> CompiledModel { try CompiledModel(path) { $0 } }

  /// - Parameter naming: what the store knows better than the file: its name and version.
  init(_ path: String, naming: (ModelMetadata) -> ModelMetadata) throws {
    func damaged(_ reason: String) -> StoreError { StoreError(.damaged(path: path, reason: reason)) }
    self.path = path
    // Never wait for the other end of a pipe.
    file = try OpenFile(path, O_RDONLY | O_NONBLOCK)
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else { throw damaged("it is no regular file") }
    identity = status.fileIdentity
    let header = try FileHeader(
      try file.bytes(0..<FileHeader.byteCount), fileBytes: Int(status.st_size), path: path)
    let description = try file.bytes(header.description)
    guard ContentHash(of: description) == header.descriptionHash else {
      throw damaged("its index was altered")
    }
    do {
      metadata = naming(
        try ModelMetadata.decoder.decode(
          ModelMetadata.self, from: Data(description[..<header.metadataBytes])))
      var decoder = ByteDecoder(Array(description[header.metadataBytes...]))
      let index = try WeightIndex(&decoder, section: header.weights)
      extents = index.extents
      weights = index.weights
      graph = try decoder.byteString()
      guard decoder.isAtEnd else { throw ByteDecoder.Malformed(reason: "bytes follow after its end") }
    } catch let error as ByteDecoder.Malformed {
      throw damaged("its index cannot be read: \(error.reason)")
    } catch let error as DecodingError {
      throw damaged("its metadata cannot be read: \(error)")
    }
    guard metadata.target == header.target else {
      throw damaged("header and metadata name different targets")
    }
  }

  /// Reads all weights, from the disk itself where the file system can, and compares them with their checksums.
  /// - Throws: ``StoreError`` that names the first weight of each damaged extent.
  public func verifyWeights() throws {
    let file = file.pastPageCache()
    let damagedExtents = try extents.indices.filter { index in
      let extent = extents[index]
      var hasher = ContentHasher()
      let range = extent.offset..<extent.offset + extent.byteCount
      let isWhole = try file.forEachPiece(of: range) { hasher.update($0) }
      return !isWhole || hasher.finish() != extent.hash
    }
    guard !damagedExtents.isEmpty else { return }
    let names = damagedExtents.prefix(4).map { index in
      weights.first { $0.extent == index }.map { "'\($0.name)'" } ?? "extent \(index)"
    }
    let more =
      damagedExtents.count > names.count ? " and \(damagedExtents.count - names.count) more extents" : ""
    throw StoreError(
      .damaged(
        path: path, reason: "the weights' checksums are wrong at \(names.joined(separator: ", "))\(more)"))
  }
}

extension stat {
  /// Device and inode, and when the inode last changed: another file may get its number once it is gone.
  fileprivate var fileIdentity: String {
    "\(st_dev):\(st_ino):\(st_ctim.tv_sec).\(st_ctim.tv_nsec)"
  }
}
