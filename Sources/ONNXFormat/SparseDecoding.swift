import Tensors

extension TensorDecoding {
  /// The most bytes that all sparse constants of a model may take together when they are dense.
  static let maximumExpansion = 1 << 30

  /// The dense tensor that `proto` describes (`SparseTensorProto` of `https://onnx.ai/onnx/repo-docs/IR.html`): the elements
  /// that it does not list are zero.
  /// - Throws: ``ONNXError`` if values, indices and shape do not fit together, or if the dense tensor is too large, checked
  ///   before anything is allocated; ``UnsupportedType``.
  func dense(_ proto: ONNXSparseTensorProto, name: String) throws -> Tensor {
    let values = try tensor(proto.values, name: name)
    let type = values.elementType
    guard type.bitWidth >= 8, !type.isHandle else { throw UnsupportedType(name: "sparse \(type)") }
    let shape: Shape
    do { shape = try Shape(checking: proto.dims.map { Int($0) }) } catch {
      throw self.error(name, "has no shape that can be used: \(error)")
    }
    guard let bytes = type.byteCount(of: shape.elementCount), bytes <= Self.maximumExpansion - expandedBytes
    else {
      throw error(
        name,
        "is sparse and of shape \(shape); all sparse constants together may take at most "
          + "\(Self.maximumExpansion >> 20) MiB when they are dense")
    }
    let places = try places(proto.indices, in: shape, name: name)
    guard values.shape.dims == [places.count] else {
      throw error(name, "is sparse and has \(places.count) indices for values of shape \(values.shape)")
    }
    expandedBytes += bytes
    let size = type.bitWidth / 8
    return try Tensor(elementType: type, shape: shape) { memory in
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      values.withUnsafeBytes { source in
        for (index, place) in places.enumerated() {
          let target = UnsafeMutableRawBufferPointer(rebasing: memory[place * size..<place * size + size])
          target.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: source[index * size..<index * size + size]))
        }
      }
    }
  }

  /// The positions of the values among the dense elements in row-major order: given as such, or as an index per axis;
  /// ascending either way, so that none appears twice.
  private func places(_ proto: ONNXTensorProto, in shape: Shape, name: String) throws -> [Int] {
    let indices = try tensor(proto, name: name)
    let isLinear = indices.shape.rank == 1
    guard indices.elementType == .int64,
      isLinear || indices.shape.rank == 2 && indices.shape.dims[1] == shape.rank
    else { throw error(name, "is sparse, of shape \(shape), and has indices of type \(indices)") }
    let numbers = try indices.elements(as: Int64.self)
    let bounds = isLinear ? [shape.elementCount] : shape.dims
    let strides = isLinear ? [1] : shape.strides
    var places: [Int] = []
    for row in 0..<indices.shape.dims[0] {
      var place = 0
      for (axis, bound) in bounds.enumerated() {
        let number = numbers[row * bounds.count + axis]
        guard (0..<Int64(bound)).contains(number) else {
          throw error(name, "is sparse, of shape \(shape), and has the index \(number)")
        }
        place += Int(number) * strides[axis]
      }
      guard places.last.map({ $0 < place }) ?? true else {
        throw error(name, "is sparse and has indices that are not in ascending order")
      }
      places.append(place)
    }
    return places
  }
}
