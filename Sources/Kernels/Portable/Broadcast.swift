import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// Strides with which a dense tensor of `shape` is read along the axes of `result`: 0 where it is repeated.
  func broadcastStrides(of shape: Shape, to result: Shape) throws -> [Int] {
    let missing = result.rank - shape.rank
    try require(missing >= 0, "the shape \(shape) does not broadcast to \(result)")
    let strides = shape.strides
    return try result.dims.indices.map { axis in
      guard axis >= missing else { return 0 }
      let dim = shape.dims[axis - missing]
      try require(
        dim == result.dims[axis] || dim == 1, "the shape \(shape) does not broadcast to \(result)")
      return dim == 1 ? 0 : strides[axis - missing]
    }
  }

  /// Loops over the first result (tensor 0) and `operands` broadcast to it (tensors 1, 2, 3), with the row inside.
  func broadcastRows(_ operands: [Int]) throws -> BroadcastRows {
    let result = try result(0).shape
    let strides = try operands.map { try broadcastStrides(of: try operand($0).shape, to: result) }
    return BroadcastRows(Walk(result.dims.map { max($0, 1) }, [result.strides] + strides))
  }
}

/// Rows of an element-wise computation. The result's elements in a row are neighbours; an operand's are too (step 1),
/// or one element serves the whole row (step 0).
struct BroadcastRows: Sendable {
  let outer: Walk
  let count: Int
  let steps: SIMD4<Int>

  init(_ walk: Walk) {
    var outer = walk
    (count, steps) = outer.removeInnermost()
    self.outer = outer
  }
}
