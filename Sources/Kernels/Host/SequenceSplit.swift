import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__SplitToSequence.html`
extension SequenceSplit: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0)
    guard x.elementType.bitWidth >= 8 else {
      throw DeviceError(.unsupported, "\(name) has an operand of \(x.elementType)")
    }
    let axis = try operands.axis(axis, of: x.shape)
    let whole = x.shape.dims[axis]
    let ranges = try ranges(of: whole, operands)
    let bytes = x.byteCount + ranges.count * Tensor.listedOverhead
    let keepsAxis = keepsAxis || operands.optional(1) != nil
    return CountedResults([KernelRequest.ResultType(.sequence, .scalar)], held: bytes) {
      [
        try Tensor(
          list: try ranges.map { range in
            let part = try x.part(range, along: axis)
            if keepsAxis { return part }
            var dims = part.shape.dims
            dims.remove(at: axis)
            return try part.reshaped(to: try Shape(checking: dims))
          })
      ]
    }
  }

  /// The ranges of the parts along an axis of `whole` elements.
  private func ranges(of whole: Int, _ operands: HostOperands) throws -> [Range<Int>] {
    guard let sizes = operands.optional(1) else { return try equalRanges(of: 1, whole, operands) }
    guard let sizesKnown = sizes.integers, sizes.elementType == .int32 || sizes.elementType == .int64 else {
      throw operands.invalidData("has sizes of \(sizes)")
    }
    if sizes.shape.rank == 0, let size = sizesKnown.first {
      return try equalRanges(of: size, whole, operands)
    }
    try operands.requireListed(sizesKnown.count)
    var start = 0
    let ranges = try sizesKnown.map { size in
      guard size >= 0, size <= whole - start else {
        throw operands.invalidData("has parts of \(sizesKnown.prefix(16)) along an axis of \(whole)")
      }
      defer { start += size }
      return start..<start + size
    }
    guard start == whole else {
      throw operands.invalidData("has parts of \(sizesKnown.prefix(16)) along an axis of \(whole)")
    }
    return ranges
  }

  private func equalRanges(of size: Int, _ whole: Int, _ operands: HostOperands) throws -> [Range<Int>] {
    guard size > 0 else { throw operands.invalidData("has parts of the size \(size)") }
    let count = whole / size + (whole % size == 0 ? 0 : 1)
    try operands.requireListed(count)
    return (0..<count).map { $0 * size..<min(whole, $0 * size + min(size, whole - $0 * size)) }
  }
}
