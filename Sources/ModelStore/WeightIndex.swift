import Tensors

/// The position of each weight of a compiled model: the part of its description that programs read.
struct WeightIndex: Hashable {
  /// The granularity of extents and of memory accounting.
  static let pageSize = 4096
  /// The alignment of a weight in its extent.
  static let alignment = 64
  /// A weight of at least this many bytes is an extent of its own; smaller ones share blocks of at most this many.
  static let blockBytes = 64 << 10

  var extents: [StoredExtent]
  var weights: [StoredWeight]

  func encode(into encoder: inout ByteEncoder) {
    encoder.append(extents.count)
    for extent in extents {
      encoder.append(extent.hash)
      encoder.append(extent.offset)
      encoder.append(extent.byteCount)
      encoder.append(extent.usedBytes)
    }
    encoder.append(weights.count)
    for weight in weights {
      encoder.append(weight.name)
      encoder.append(weight.extent)
      encoder.append(weight.offset)
      encoder.append(weight.byteCount)
      encoder.append(weight.elementType.rawValue)
      encoder.append(weight.shape.rank)
      for dim in weight.shape.dims { encoder.append(dim) }
      encoder.append(weight.layout)
    }
  }
}

extension WeightIndex {
  /// Reads an index and checks that all of it lies in `section`, the file's part with the weights.
  init(_ decoder: inout ByteDecoder, section: Range<Int>) throws {
    let extentCount = try decoder.elementCount(minimumBytes: ContentHash.byteCount + 24)
    extents = []
    extents.reserveCapacity(extentCount)
    var hashes: Set<ContentHash> = []
    for _ in 0..<extentCount {
      let extent = try StoredExtent(&decoder, section: section)
      guard hashes.insert(extent.hash).inserted else {
        throw ByteDecoder.Malformed(reason: "an extent is there twice")
      }
      extents.append(extent)
    }
    var end = section.lowerBound
    for extent in extents.sorted(by: { $0.offset < $1.offset }) {
      guard extent.offset >= end else { throw ByteDecoder.Malformed(reason: "extents overlap") }
      end = extent.offset + extent.byteCount
    }
    let weightCount = try decoder.elementCount(minimumBytes: 56)
    weights = []
    weights.reserveCapacity(weightCount)
    for _ in 0..<weightCount { weights.append(try StoredWeight(&decoder, extents: extents)) }
  }

  static func isWhole(_ byteCount: Int, _ unit: Int) -> Bool { byteCount % unit == 0 }
}

extension StoredExtent {
  fileprivate init(_ decoder: inout ByteDecoder, section: Range<Int>) throws {
    self.init(
      hash: try decoder.hash(), offset: try decoder.count(), byteCount: try decoder.count(),
      usedBytes: try decoder.count())
    guard WeightIndex.isWhole(offset, WeightIndex.pageSize),
      WeightIndex.isWhole(byteCount, WeightIndex.pageSize),
      section.contains(offset), byteCount > 0, byteCount <= section.upperBound - offset,
      usedBytes <= byteCount
    else { throw ByteDecoder.Malformed(reason: "an extent is not where weights are") }
  }
}

extension StoredWeight {
  fileprivate init(_ decoder: inout ByteDecoder, extents: [StoredExtent]) throws {
    name = try decoder.text()
    extent = try decoder.count()
    offset = try decoder.count()
    byteCount = try decoder.count()
    guard let type = ElementType(rawValue: try decoder.text()) else {
      throw ByteDecoder.Malformed(reason: "weight '\(name)' has an unknown element type")
    }
    elementType = type
    let rank = try decoder.elementCount(minimumBytes: 8)
    var dims: [Int] = []
    for _ in 0..<rank { dims.append(try decoder.count()) }
    do { shape = try Shape(checking: dims) } catch {
      throw ByteDecoder.Malformed(reason: "weight '\(name)': \(error)")
    }
    layout = try decoder.byteString()
    guard extents.indices.contains(extent), WeightIndex.isWhole(offset, WeightIndex.alignment),
      offset <= extents[extent].usedBytes, byteCount <= extents[extent].usedBytes - offset,
      !layout.isEmpty || byteCount == elementType.byteCount(of: shape.elementCount)
    else { throw ByteDecoder.Malformed(reason: "weight '\(name)' does not lie in its extent") }
  }
}
