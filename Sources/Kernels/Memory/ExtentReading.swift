import CHost
import Device

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reads one extent past the page cache, in pieces that several loader threads take: while one piece comes from the
/// disk, the next one's pages are made present.
final class ExtentReading: Sendable {
  /// Bytes of one read: large enough for a disk's full speed, small enough that two overlap on most extents.
  static let pieceBytes = 4 << 20

  let pieces: [Range<Int>]
  private let request: LoadRequest
  /// Past the page cache; `nil` where the file system cannot do that.
  private let direct: DirectFile?
  private let progress: Locked<Progress>

  private struct Progress: Sendable {
    /// Pieces that have not ended.
    var missing: Int
    /// The block that receives the bytes. It is released with the last piece, so that only the receiver of
    /// the completion, if any, still owns it.
    var block: HostBlock?
    var failure: DeviceError?
  }

  /// - Throws: ``DeviceError`` when there is no memory for the extent.
  init(_ request: LoadRequest) throws {
    self.request = request
    let block = try HostBlock(byteCount: request.byteCount, name: "fusedinf-extent")
    direct = DirectFile(of: request.descriptor)
    pieces = stride(from: 0, to: request.byteCount, by: ExtentReading.pieceBytes).map {
      $0..<min($0 + ExtentReading.pieceBytes, request.byteCount)
    }
    progress = Locked(Progress(missing: pieces.count, block: block))
  }

  /// Reads one piece; the extent's memory, or what went wrong, from the call that ends the last piece. After a failure
  /// the memory has been given back when this returns.
  func read(_ piece: Range<Int>) -> Result<HostBlock, any Error>? {
    let failure = fill(piece)
    return progress.withLock { progress in
      progress.missing -= 1
      progress.failure = progress.failure ?? failure
      guard progress.missing == 0, let block = progress.block.take() else { return nil }
      return progress.failure.map { .failure($0) } ?? .success(block)
    }
  }

  /// Reads one piece, unless another has failed.
  /// - Returns: what went wrong.
  private func fill(_ piece: Range<Int>) -> DeviceError? {
    guard let block = progress.withLock({ $0.failure == nil ? $0.block : nil }) else { return nil }
    do {
      try fill(piece, of: block)
      return nil
    } catch {
      return error as? DeviceError ?? request.failure("\(error)")
    }
  }

  private func fill(_ piece: Range<Int>, of block: HostBlock) throws {
    try block.populate(piece)
    let target = UnsafeMutableRawPointer(bitPattern: block.address + UInt(piece.lowerBound))
    let offset = Int64(request.offset) + Int64(piece.lowerBound)
    if let direct {
      let status = fi_file_read(direct.descriptor, target, piece.count, offset)
      if status == 0 { return }
      guard status == EINVAL else { throw failure(status) }
    }
    // A file system, or a disk with larger sectors, that cannot: through the page cache, which then forgets it.
    let status = fi_file_read(request.descriptor, target, piece.count, offset)
    fi_file_forget(request.descriptor, offset, piece.count)
    guard status == 0 else { throw failure(status) }
  }

  private func failure(_ status: Int32) -> DeviceError {
    request.failure(status == ENODATA ? "the file was cut short" : systemError(status))
  }
}

/// A descriptor that reads past the page cache; closed with the last reference.
private final class DirectFile: Sendable {
  let descriptor: Int32

  init?(of descriptor: Int32) {
    var direct: Int32 = -1
    guard fi_file_open_direct(descriptor, &direct) == 0 else { return nil }
    self.descriptor = direct
  }

  deinit { close(descriptor) }
}
