import Tensors

extension NodeTyping {
  /// Indices have the rank of the data and, but along `axis`, no larger sizes.
  func checkElementwiseIndices(axis: Int) throws(GraphError) {
    guard let data = dimensions(0) else { return }
    let axis = try normalized(axis, rank: data.count)
    guard let indices = dimensions(1) else { return }
    guard indices.count == data.count else {
      throw failure("the indices have \(indices.count) axes and the data \(data.count)")
    }
    for other in data.indices where other != axis {
      if let wanted = indices[other].size, let size = data[other].size, wanted > size {
        throw failure("the indices are longer than the data along axis \(other)")
      }
    }
  }

}
