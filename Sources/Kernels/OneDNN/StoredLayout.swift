import CDNNL
import Device
import Tensors

/// The decoded bytes of a ``Layout`` of this device: a memory descriptor in a form that can be stored, and
/// the view of the dense tensor through it.
///
/// oneDNN 3.2 cannot write a descriptor out, so it is kept as dimensions with strides, or with the format tag
/// that makes an equal one. Format tags are numbered by the library's version, which is part of the target.
struct StoredLayout: Hashable {
  /// The preparation of a dense tensor's elements before they are laid out.
  enum Preparation: UInt8 {
    case none
    /// The LSTM's gates from ONNX's order (input, output, forget, cell) to oneDNN's (input, forget, cell, output).
    case lstmGates
    /// The same, of the input and the recurrent bias added up.
    case lstmBias
    /// The input and the recurrent bias added up.
    case gruBias
    /// The same, with the candidate's two biases apart: the recurrent one is the fourth.
    case gruLinearBeforeResetBias
  }

  enum Storage: Hashable {
    case strides([Int])
    case tag(UInt32)
  }

  var preparation: Preparation = .none
  var dataType: UInt32
  var dims: [Int]
  var storage: Storage
  /// Strides of the dense tensor along `dims`; `nil` when it is row-major.
  var sourceStrides: [Int]?

  /// The descriptor.
  func descriptor() throws -> MemoryDescriptor {
    switch storage {
    case .strides(let strides): try MemoryDescriptor(dims, dnnl_data_type_t(dataType), strides: strides)
    case .tag(let tag): try MemoryDescriptor(dims, dnnl_data_type_t(dataType), tag: dnnl_format_tag_t(tag))
    }
  }

  /// The dense tensor as the descriptor's axes see it.
  var view: TensorView { sourceStrides.map { TensorView(dims, strides: $0) } ?? TensorView(dims) }
}

extension StoredLayout {
  /// The first byte of every layout of this kind.
  private static let kind: UInt8 = 1

  /// The bytes: kind, preparation, data type, rank, which storage, whether source strides follow; then, 8 bytes
  /// each, the dimensions, the strides or the tag, and the source strides.
  var layout: Layout {
    var bytes: [UInt8] = [
      StoredLayout.kind, preparation.rawValue, UInt8(truncatingIfNeeded: dataType),
      UInt8(truncatingIfNeeded: dims.count),
    ]
    var numbers = dims
    switch storage {
    case .strides(let strides):
      bytes.append(0)
      numbers += strides
    case .tag(let tag):
      bytes.append(1)
      numbers.append(Int(tag))
    }
    bytes.append(sourceStrides == nil ? 0 : 1)
    numbers += sourceStrides ?? []
    for number in numbers {
      for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
    }
    return Layout(descriptor: bytes)
  }

  /// Reads the bytes of a layout, which may come from a damaged file.
  /// - Throws: ``DeviceError`` when they are not those of a layout for a tensor of `shape`.
  init(_ layout: Layout, of elementType: ElementType, _ shape: Shape) throws {
    guard let stored = StoredLayout(bytes: layout.descriptor), stored.fits(elementType, shape) else {
      throw DeviceError(
        .damaged, "the layout of a tensor \(elementType)\(shape) cannot be read: compile the model again")
    }
    self = stored
  }

  private init?(bytes: [UInt8]) {
    guard bytes.count >= 6, bytes[0] == StoredLayout.kind, let preparation = Preparation(rawValue: bytes[1]),
      bytes[3] >= 1, bytes[3] <= 12, bytes[4] <= 1, bytes[5] <= 1
    else { return nil }
    let rank = Int(bytes[3])
    let stored = bytes[4] == 0 ? rank : 1
    let count = rank + stored + (bytes[5] == 1 ? rank : 0)
    guard bytes.count == 6 + 8 * count else { return nil }
    let numbers = (0..<count).map { index -> Int in
      (0..<8).reduce(0) { (number: Int, byte: Int) -> Int in
        number | Int(bytes[6 + 8 * index + byte]) << (8 * byte)
      }
    }
    guard numbers.allSatisfy({ $0 >= 0 && $0 <= Int.max >> 16 }) else { return nil }
    self.preparation = preparation
    dataType = UInt32(bytes[2])
    dims = Array(numbers[..<rank])
    if bytes[4] == 0 {
      storage = .strides(Array(numbers[rank..<rank + stored]))
    } else {
      guard let tag = UInt32(exactly: numbers[rank]) else { return nil }
      storage = .tag(tag)
    }
    sourceStrides = bytes[5] == 1 ? Array(numbers[(rank + stored)...]) : nil
  }

  /// True when the layout can be that of such a tensor, and reading the tensor through it stays inside of it.
  private func fits(_ elementType: ElementType, _ shape: Shape) -> Bool {
    guard elementType.dataType?.rawValue == dataType, let own = try? Shape(checking: dims) else {
      return false
    }
    func isInside(_ strides: [Int], _ count: Int) -> Bool {
      var last = 0
      for (dim, stride) in zip(dims, strides) {
        let (reach, overflow) = max(dim - 1, 0).multipliedReportingOverflow(by: stride)
        guard !overflow, reach < count, last < count - reach else { return false }
        last += reach
      }
      return last < count
    }
    // The library pads the rows of recurrent weights, by less than a row each.
    if case .strides(let strides) = storage, !isInside(strides, own.elementCount * 64) { return false }
    guard own.elementCount == preparation.elementCount(of: shape.elementCount) else { return false }
    return sourceStrides.map { isInside($0, own.elementCount) } ?? true
  }
}
