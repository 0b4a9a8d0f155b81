extension Tensor {
  /// The most elements of a sequence that is made at run time: one without bytes takes memory too.
  public static let mostListed = 1 << 16

  /// Bytes that an element of a sequence takes beside those of its own elements, about.
  public static let listedOverhead = 192

  /// Bytes of the elements, and for a sequence, those of all tensors in it; `Int.max` where there are more.
  package var heldBytes: Int { bytes(withElementsOf: list ?? []) { $0.heldBytes } }

  func bytes(withElementsOf list: [Tensor], _ bytes: (Tensor) -> Int) -> Int {
    list.reduce(byteCount) { sum, element in
      let (own, overflow) = bytes(element).addingReportingOverflow(Tensor.listedOverhead)
      let (total, more) = sum.addingReportingOverflow(own)
      return overflow || more ? .max : total
    }
  }

  /// The tensors that a model's output of this name is served as. A sequence is one tensor, stacked along a new first axis,
  /// if its elements have one type and shape, and otherwise each element by itself: `NAME.0`, `NAME.1`, …. An optional
  /// is its value. An absent one is no tensor.
  /// - Parameter empty: what an empty sequence is served as; `nil`: no tensor.
  public func served(as name: String, isOptional: Bool = false, empty: Tensor? = nil) throws
    -> [(name: String, tensor: Tensor)]
  {
    guard elementType == .sequence else { return [(name, self)] }
    guard let list else { return [] }
    guard let first = list.first else { return empty.map { [(name, $0)] } ?? [] }
    if isOptional { return [(name, first)] }
    let haveOneShape = list.allSatisfy { $0.elementType == first.elementType && $0.shape == first.shape }
    if haveOneShape, first.shape.rank < Shape.maximumRank, first.elementType.bitWidth >= 8 {
      return [(name, try Tensor(stacking: list, along: 0))]
    }
    return list.enumerated().map { ("\(name).\($0.offset)", $0.element) }
  }

  /// The sequence that is given as one tensor: its elements along the first axis. Of an optional, the tensor is the value.
  /// - Throws: ``TensorError`` if there is no such axis, it has more than ``mostListed`` elements, or elements are smaller
  ///   than a byte.
  public func listed(isOptional: Bool) throws -> Tensor {
    if isOptional { return try Tensor(list: [self]) }
    guard let count = shape.dims.first, count <= Tensor.mostListed else {
      throw TensorError(.tooManyElements(shape.dims))
    }
    return try Tensor(list: try (0..<count).map { try element($0, along: 0) })
  }
}
