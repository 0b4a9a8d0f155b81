import CDNNL
import Device
import Tensors

extension Layout {
  /// The layout of an activation that stands for `descriptor` where the dense tensor is seen as `view`; `nil` when
  /// the descriptor is one that cannot be kept.
  ///
  /// Descriptors that put every element at the same place have one layout: `plain` where that is the dense one, and
  /// blocks of channels where a single block lies as channels behind do. Known as those, it would draw all that follows
  /// after it into channels behind, whose packed weights fit one image size alone.
  init?(_ descriptor: MemoryDescriptor, of view: TensorView) throws {
    guard descriptor.isBlocked else { return nil }
    let storage: StoredLayout.Storage
    if let strides = descriptor.linearStrides {
      let strides = TensorView(view.dims, strides: strides)
      if strides.significantStrides == view.significantStrides {
        self = .plain
        return
      }
      storage = try strides.channelBlocks.map { .tag($0.rawValue) } ?? .strides(strides.canonicalStrides)
    } else if let tag = try FormatTags.shared.tag(of: descriptor) {
      storage = .tag(tag.rawValue)
    } else {
      return nil
    }
    self = Layout(descriptor, view, .none, storage)
  }

  /// The layout of a packed weight: the descriptor itself, since the library does not know one of its own formats in
  /// another that puts the elements at the same places.
  init?(packing descriptor: MemoryDescriptor, of view: TensorView, _ preparation: StoredLayout.Preparation)
    throws
  {
    guard descriptor.isBlocked else { return nil }
    if descriptor.innerBlocks.sizes.isEmpty, descriptor.paddedDims == descriptor.dims {
      let strides = descriptor.strides
      if preparation == .none, strides == view.strides {
        self = .plain
      } else {
        self = Layout(descriptor, view, preparation, .strides(strides))
      }
      return
    }
    guard let tag = try FormatTags.shared.tag(of: descriptor) else { return nil }
    self = Layout(descriptor, view, preparation, .tag(tag.rawValue))
  }

  private init(
    _ descriptor: MemoryDescriptor, _ view: TensorView, _ preparation: StoredLayout.Preparation,
    _ storage: StoredLayout.Storage
  ) {
    self =
      StoredLayout(
        preparation: preparation, dataType: descriptor.dataType.rawValue, dims: view.dims, storage: storage,
        sourceStrides: view.isRowMajor ? nil : view.strides
      ).layout
  }
}

extension Operand {
  /// The descriptor of the operand where a primitive sees it as `view`; `nil` when its layout was made for another
  /// view.
  func descriptor(as view: TensorView) throws -> MemoryDescriptor? {
    guard let type = elementType.dataType else { return nil }
    if layout == .plain { return try view.descriptor(type) }
    let stored = try StoredLayout(layout, of: elementType, shape)
    return stored.view == view ? try stored.descriptor() : nil
  }
}

extension MemoryDescriptor {
  /// The distances between neighbours along each axis when every axis has one such distance and nothing is padded;
  /// `nil` for a layout that is truly blocked.
  var linearStrides: [Int]? {
    let dims = dims
    guard isBlocked, dims == paddedDims else { return nil }
    let (sizes, axes) = innerBlocks
    var strides = strides
    var outerSizes = dims
    var inner = Array(repeating: [(size: Int, stride: Int)](), count: dims.count)
    var stride = 1
    for (size, axis) in zip(sizes, axes).reversed() {
      inner[axis].insert((size, stride), at: 0)
      outerSizes[axis] /= size
      stride *= size
    }
    for axis in dims.indices {
      let digits = ([(size: outerSizes[axis], stride: strides[axis])] + inner[axis]).filter { $0.size > 1 }
      for (outer, next) in zip(digits, digits.dropFirst()) where outer.stride != next.size * next.stride {
        return nil
      }
      if let last = digits.last { strides[axis] = last.stride }
    }
    return strides
  }
}

extension TensorView {
  /// The format of blocks of channels, when that puts the elements at the same places.
  fileprivate var channelBlocks: dnnl_format_tag_t? {
    get throws {
      guard let tag = MemoryDescriptor.channelBlockTag(rank: dims.count),
        let blocks = try MemoryDescriptor(dims, tag: tag).linearStrides,
        TensorView(dims, strides: blocks).significantStrides == significantStrides
      else { return nil }
      return tag
    }
  }

  /// The strides, with those of axes of size 1 chosen so that equal layouts have equal ones, and so that the library
  /// knows its own formats again: as a channels-last tensor has them where this is one; else those of axes in front
  /// step over everything, and those further in over nothing.
  var canonicalStrides: [Int] {
    let rowMajor = TensorView(dims)
    if rowMajor.significantStrides == significantStrides { return rowMajor.strides }
    if dims.count > 2 {
      let last = TensorView(dims, order: [0] + (2..<dims.count) + [1])
      if last.significantStrides == significantStrides { return last.strides }
    }
    let extent = zip(dims, strides).map { $0 == 1 ? 1 : $0 * $1 }.max() ?? 1
    let front = dims.firstIndex { $0 != 1 } ?? dims.count
    return dims.indices.map { dims[$0] != 1 ? strides[$0] : $0 < front ? extent : 1 }
  }

  /// Dense, with the axes of `order` from the outermost to the innermost.
  init(_ dims: [Int], order: [Int]) {
    var strides = Array(repeating: 1, count: dims.count)
    var stride = 1
    for axis in order.reversed() {
      strides[axis] = stride
      stride *= max(dims[axis], 1)
    }
    self.init(dims, strides: strides)
  }
}

/// Finds the format tag of a blocked descriptor, and remembers it: oneDNN answers no such question.
final class FormatTags: Sendable {
  static let shared = FormatTags()

  private struct Key: Hashable {
    var sizes: [Int]
    var axes: [Int]
    var order: [Int]
  }
  private let known = Locked<[Key: dnnl_format_tag_t]>([:])

  /// The tag that makes a descriptor equal to this one.
  func tag(of descriptor: MemoryDescriptor) throws -> dnnl_format_tag_t? {
    let (dims, type) = (descriptor.dims, descriptor.dataType)
    func makes(_ tag: dnnl_format_tag_t) -> Bool {
      guard let candidate = try? MemoryDescriptor(dims, type, tag: tag) else { return false }
      return candidate == descriptor
    }
    let (sizes, axes) = descriptor.innerBlocks
    let strides = descriptor.strides
    let order = dims.indices.sorted { (strides[$0], $1) > (strides[$1], $0) }
    let key = Key(sizes: sizes, axes: axes, order: order)
    if let tag = known.withLock({ $0[key] }), makes(tag) { return tag }
    for number in (dnnl_format_tag_any.rawValue + 1)..<dnnl_format_tag_last.rawValue {
      let tag = dnnl_format_tag_t(number)
      if makes(tag) {
        known.withLock { $0[key] = tag }
        return tag
      }
    }
    return nil
  }
}
