/// The first bytes of a compiled model: what it is, for which target, and where its parts are.
///
/// | bytes | what |
/// |---|---|
/// | 0–7 | magic |
/// | 8–15 | format version |
/// | 16–63 | file size; start and length of the weights; start and length of the description; length of the metadata |
/// | 64–… | the description's SHA-256; the target's text, its length first |
/// | 480–511 | SHA-256 of the bytes before |
///
/// All numbers are 64-bit little-endian. The weights follow at 2 MiB (the bytes between are a hole, and take no disk
/// space), the description after them: metadata as JSON, then index and graph.
struct FileHeader: Hashable {
  static let byteCount = 512
  static let formatVersion = 1
  /// Not text, and damaged by every program that changes line ends or strips the eighth bit.
  static let magic: [UInt8] = [0x8F, 0x46, 0x55, 0x53, 0x45, 0x44, 0x0D, 0x0A]
  /// The offset of the weights: the size of a huge page.
  static let weightsOffset = 2 << 20
  /// More than any description is; bounds what is read into memory before a checksum could be looked at.
  static let maximumDescriptionBytes = 1 << 30
  static let maximumTargetBytes = 360
  private static let checkedBytes = byteCount - ContentHash.byteCount

  var fileBytes: Int
  var weights: Range<Int>
  var description: Range<Int>
  var metadataBytes: Int
  var descriptionHash: ContentHash
  var target: String

  /// The header's bytes; `nil` when the target's text is too long.
  func encoded() -> [UInt8]? {
    guard target.utf8.count <= FileHeader.maximumTargetBytes else { return nil }
    var encoder = ByteEncoder()
    for number in [
      FileHeader.formatVersion, fileBytes, weights.lowerBound, weights.count, description.lowerBound,
      description.count, metadataBytes,
    ] { encoder.append(number) }
    encoder.append(descriptionHash)
    encoder.append(target)
    var bytes = FileHeader.magic + encoder.bytes
    bytes += [UInt8](repeating: 0, count: FileHeader.checkedBytes - bytes.count)
    return bytes + ContentHash(of: bytes).bytes
  }

  /// Reads and checks a header.
  /// - Parameter fileBytes: the size that the file has.
  init(_ bytes: [UInt8], fileBytes found: Int, path: String) throws {
    func damaged(_ reason: String) -> StoreError { StoreError(.damaged(path: path, reason: reason)) }
    guard bytes.count == FileHeader.byteCount else { throw damaged("it has only \(bytes.count) bytes") }
    guard bytes.starts(with: FileHeader.magic) else { throw damaged("it is no compiled model of FusedInf") }
    do {
      var decoder = ByteDecoder(Array(bytes[FileHeader.magic.count..<FileHeader.checkedBytes]))
      let format = try decoder.count()
      // Of another format only this is known: that its version stands here.
      guard format == FileHeader.formatVersion else {
        throw StoreError(.otherFormat(path: path, found: format, supported: FileHeader.formatVersion))
      }
      let checked = Array(bytes[..<FileHeader.checkedBytes])
      guard ContentHash(of: checked).bytes == Array(bytes[FileHeader.checkedBytes...]) else {
        throw damaged("its header was altered")
      }
      fileBytes = try decoder.count()
      guard fileBytes == found else { throw damaged("it has \(found) bytes instead of \(fileBytes)") }
      weights = try decoder.range(upTo: fileBytes)
      description = try decoder.range(upTo: fileBytes)
      metadataBytes = try decoder.count()
      descriptionHash = try decoder.hash()
      target = try decoder.text()
    } catch let error as ByteDecoder.Malformed {
      throw damaged("its header cannot be read: \(error.reason)")
    }
    guard weights.lowerBound == FileHeader.weightsOffset, description.lowerBound == weights.upperBound,
      description.upperBound == fileBytes, description.count <= FileHeader.maximumDescriptionBytes,
      metadataBytes <= description.count
    else { throw damaged("its parts are not where they belong") }
  }

  init(weightsBytes: Int, metadata: [UInt8], rest: [UInt8], target: String) {
    weights = FileHeader.weightsOffset..<FileHeader.weightsOffset + weightsBytes
    description = weights.upperBound..<weights.upperBound + metadata.count + rest.count
    fileBytes = description.upperBound
    metadataBytes = metadata.count
    descriptionHash = ContentHash(of: metadata + rest)
    self.target = target
  }
}

extension ByteDecoder {
  /// A start and a length that stay within `end`.
  fileprivate mutating func range(upTo end: Int) throws -> Range<Int> {
    let start = try count()
    let length = try count()
    guard start <= end, length <= end - start else {
      throw Malformed(reason: "a part lies beyond the file's end")
    }
    return start..<start + length
  }
}
