import Device
import ModelGraph
import Tensors

/// Sizes that oneDNN is asked for. Beyond them its 32-bit arithmetic overflows: it divides by zero, writes to wrong places,
/// asks for lengths that there are not, or searches for minutes.
enum LibraryLimits {
  /// Bytes of a tensor, with what blocks of channels add: its kernels have 32-bit distances.
  static let bytes = Int(Int32.max)
  /// The elements that a window may span: a search for blocks of a convolution walks through them.
  static let reach = 1 << 24
  /// Strides and dilations of a deconvolution: its search walks through every place of the result once for each.
  static let deconvolutionStep = 64
  /// The taps of a deconvolution's window times the places of its result's last axis, without strides: the search for a
  /// batch-reduced kernel takes microseconds for each, and seldom finds one.
  static let deconvolutionSearch = 1 << 14
  /// Bytes that a batch-reduced convolution keeps at most for each place of the window along the last axis, and that such a
  /// deconvolution keeps (`bench/primitive-bytes.c`).
  static let tableBytesAPlace = 2816
  static let deconvolutionTableBytesAPlace = 256
  /// Bytes of a convolution's tables, where there is another way, and where there is none. The library makes them before it
  /// says how large they are.
  static let tables = 8 << 20
  static let largestTables = 64 << 20
  /// The channels that a block has at most.
  static let block = 16
}

extension KernelRequest {
  /// True when every tensor is of a size that oneDNN is safe with, in any layout that it may choose.
  var suitsLibrary: Bool {
    let types =
      operands.enumerated().map { index, operand in
        operand.map { ($0.elementType, $0.shape, index == 1) }
      } + results.map { result in result.map { ($0.elementType, $0.shape, false) } }
    return types.allSatisfy { type in
      guard let (elementType, shape, isKernels) = type else { return true }
      return shape.suitsLibrary(elementType, blocks: isKernels ? 2 : 1)
    }
  }
}

extension Shape {
  /// - Parameter blocks: how many axes may be cut into blocks: of images the channels, of kernels both sides'.
  fileprivate func suitsLibrary(_ elementType: ElementType, blocks: Int) -> Bool {
    var bytes = max(elementType.bitWidth / 8, 1)
    for (axis, dim) in dims.enumerated() {
      let isCut = rank >= 3 && (axis == 1 || axis == 0 && blocks == 2)
      guard dim <= LibraryLimits.bytes else { return false }
      let size = isCut ? (dim + LibraryLimits.block - 1) / LibraryLimits.block * LibraryLimits.block : dim
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow, product <= LibraryLimits.bytes else { return false }
      bytes = product
    }
    return true
  }
}
