import CDNNL
import Tensors

/// A primitive's view of a tensor that is dense and row-major: its axes, and their strides in elements.
///
/// A convolution with groups sees its weights with an axis for the groups; a transposed matrix has its
/// strides swapped.
struct TensorView: Hashable {
  var dims: [Int]
  var strides: [Int]

  init(_ dims: [Int], strides: [Int]) {
    self.dims = dims
    self.strides = strides
  }

  /// Row-major.
  init(_ dims: [Int]) {
    self.init(dims, strides: TensorView.rowMajor(dims))
  }

  /// The tensor as it is; a scalar has one axis.
  init(_ shape: Shape) { self.init(shape.dims.isEmpty ? [1] : shape.dims) }

  /// The tensor with axes of size 1 in front, so that it broadcasts to `rank` axes.
  init(_ shape: Shape, rank: Int) {
    self.init(Array(repeating: 1, count: max(rank - shape.rank, 0)) + shape.dims)
  }

  func descriptor(_ type: dnnl_data_type_t = dnnl_f32) throws -> MemoryDescriptor {
    try MemoryDescriptor(dims, type, strides: strides)
  }

  var isRowMajor: Bool { strides == TensorView.rowMajor(dims) }

  private static func rowMajor(_ dims: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: dims.count)
    for axis in dims.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(dims[axis + 1], 1)
    }
    return strides
  }

  /// The strides with those of axes of size 1, which say nothing, made 0.
  var significantStrides: [Int] { zip(dims, strides).map { $0 == 1 ? 0 : $1 } }
}
