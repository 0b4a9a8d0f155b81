import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__Compress.html`. Slices beyond the condition's end are dropped, and conditions
/// beyond the last slice are ignored.
extension Compress: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0)
    let condition = try operands.operand(1, of: .bool)
    try operands.require(condition.shape.rank == 1, "has a condition of \(condition.shape), not a list")
    try operands.require(x.elementType.bitWidth >= 8, "has an operand of \(x.elementType)")
    let axis = try axis.map { try operands.axis($0, of: x.shape) }
    let size = axis.map { x.shape.dims[$0] } ?? x.shape.elementCount
    let checked = min(size, condition.shape.elementCount)
    let kept = condition.withUnsafeBytes { flags in
      flags.prefix(checked).reduce(into: 0) { if $1 != 0 { $0 += 1 } }
    }
    var dims = [kept]
    if let axis {
      dims = x.shape.dims
      dims[axis] = kept
    }
    let shape = try Shape(checking: dims)
    let inner =
      (axis.map { x.shape.dims[($0 + 1)...].reduce(1, *) } ?? 1) * (x.elementType.bitWidth / 8)
    return CountedResults([KernelRequest.ResultType(x.elementType, shape)]) {
      [
        try Tensor(elementType: x.elementType, shape: shape, table: x.table) { target in
          // An empty result says nothing about the product of the other axes.
          if target.isEmpty { return }
          x.withUnsafeBytes { source in
            condition.withUnsafeBytes { flags in
              copy(
                source, UnsafeRawBufferPointer(rebasing: flags.prefix(checked)), size * inner, inner,
                to: target)
            }
          }
        }
      ]
    }
  }

  /// Copies the slices of `inner` bytes that `flags` keep, of each block of `outer` bytes.
  private func copy(
    _ source: UnsafeRawBufferPointer, _ flags: UnsafeRawBufferPointer, _ outer: Int, _ inner: Int,
    to target: UnsafeMutableRawBufferPointer
  ) {
    var written = 0
    for block in stride(from: 0, to: source.count, by: outer) {
      var start = 0
      while let first = flags[start...].firstIndex(where: { $0 != 0 }) {
        // Neighbours are copied in one piece.
        let end = flags[first...].firstIndex { $0 == 0 } ?? flags.endIndex
        let bytes = (end - first) * inner
        UnsafeMutableRawBufferPointer(rebasing: target[written..<written + bytes]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[block + first * inner..<block + end * inner]))
        written += bytes
        start = end
      }
    }
  }
}
