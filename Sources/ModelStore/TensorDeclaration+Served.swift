import Tensors

extension ModelMetadata.TensorDeclaration {
  /// The tensors that this output is served as; see ``Tensor/served(as:isOptional:empty:)``. An empty sequence is a tensor
  /// without rows if the type and the sizes of its elements are known. A map is its scores, and its keys as ``keysName``.
  public func served(_ tensor: Tensor, withKeys: Bool = true) throws -> [(name: String, tensor: Tensor)] {
    let tensors = try tensor.served(
      as: name, isOptional: contents?.isOptional ?? false, empty: tensor.list?.isEmpty == true ? noRows : nil)
    guard withKeys, let mapKeys else { return tensors }
    return tensors + [(keysName, try mapKeys.tensor)]
  }

  /// The name of the tensor of a map's keys.
  public var keysName: String { "\(name).keys" }

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
