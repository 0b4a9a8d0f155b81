import Tensors

extension ModelMetadata.TensorDeclaration {
  /// The tensors that this output is served as; see ``Tensor/served(as:isOptional:empty:)``. An empty sequence is a tensor
  /// without rows if the type and the sizes of its elements are known.
  public func served(_ tensor: Tensor) throws -> [(name: String, tensor: Tensor)] {
    try tensor.served(
      as: name, isOptional: contents?.isOptional ?? false, empty: tensor.list?.isEmpty == true ? noRows : nil)
  }

  private var noRows: Tensor? {
    get throws {
      guard let contents, let dimensions = contents.dimensions, contents.elementType.bitWidth >= 8 else {
        return nil
      }
      let sizes = dimensions.compactMap { if case .number(let size) = $0 { size } else { nil } }
      guard sizes.count == dimensions.count, sizes.count < Shape.maximumRank else { return nil }
      return try Tensor(elementType: contents.elementType, shape: try Shape(checking: [0] + sizes)) { _ in }
    }
  }
}
