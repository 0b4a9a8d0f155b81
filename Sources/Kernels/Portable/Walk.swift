/// A nest of loops over several tensors at once: dimensions, and by how many elements each step along one of them
/// moves in up to four tensors.
struct Walk: Sendable {
  /// Outermost first; none is 1, neighbours that step alike are one.
  private(set) var dims: [Int] = []
  private(set) var steps: [SIMD4<Int>] = []

  /// - Parameters:
  ///   - dims: all at least 1, with a product that a ``Shape`` bounds, so that no offset overflows.
  ///   - strides: by tensor, then by axis.
  init(_ dims: [Int], _ strides: [[Int]]) {
    for (axis, dim) in dims.enumerated() where dim != 1 {
      var step = SIMD4<Int>(repeating: 0)
      for (tensor, stride) in strides.enumerated() { step[tensor] = stride[axis] }
      if let last = steps.indices.last, steps[last] == step &* dim {
        self.dims[last] *= dim
        steps[last] = step
      } else {
        self.dims.append(dim)
        steps.append(step)
      }
    }
  }

  /// Takes the loop `axis` out of the nest.
  mutating func remove(_ axis: Int) -> (count: Int, step: SIMD4<Int>) {
    (dims.remove(at: axis), steps.remove(at: axis))
  }

  /// Takes the innermost loop out; a nest without loops has one of one turn.
  mutating func removeInnermost() -> (count: Int, step: SIMD4<Int>) {
    dims.isEmpty ? (1, SIMD4(repeating: 1)) : remove(dims.count - 1)
  }

  /// Calls `body` with the offsets, in elements, of every turn of the nest.
  @inline(__always)
  func forEach(_ body: (SIMD4<Int>) throws -> Void) rethrows {
    if dims.contains(0) { return }
    var index = [Int](repeating: 0, count: dims.count)
    var offsets = SIMD4<Int>(repeating: 0)
    while true {
      try body(offsets)
      var axis = dims.count - 1
      while axis >= 0 {
        index[axis] &+= 1
        offsets &+= steps[axis]
        if index[axis] < dims[axis] { break }
        offsets &-= steps[axis] &* dims[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
