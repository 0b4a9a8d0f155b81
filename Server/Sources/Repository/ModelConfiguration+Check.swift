import InferenceProtocol
import ModelStore

extension ModelConfiguration {
  /// Checks that the configuration is one of this model.
  /// - Throws: ``Problem`` where it says otherwise.
  public func check(name folder: String) throws(Problem) {
    if let name, !name.isEmpty, name != folder || name.isComposed != folder.isComposed {
      throw Problem(description: "config.pbtxt names the model '\(name)', its folder '\(folder)'")
    }
    if let otherPlatform {
      throw Problem(description: "config.pbtxt asks for '\(otherPlatform)'; only ONNX models are served")
    }
  }

  /// Checks the configuration against what the compiled model says about itself.
  /// - Throws: ``Problem`` for names that the model does not have, other types, dimensions that contradict its own, and
  ///   batches where its first dimensions are not open.
  public func check(_ metadata: ModelMetadata) throws(Problem) {
    let isBatched = (maxBatchSize ?? 0) > 0
    if isBatched {
      for input in metadata.inputs {
        if case .name? = input.dimensions?.first { continue }
        let first = input.dimensions?.first.map { "\($0)" } ?? "absent"
        throw Problem(
          description:
            "config.pbtxt has max_batch_size \(maxBatchSize ?? 0), but the first dimension of the input "
            + "'\(input.name)' is \(first), not open; set max_batch_size: 0")
      }
    }
    for (role, tensors, declared) in [
      ("input", inputs, metadata.inputs), ("output", outputs, metadata.outputs),
    ] {
      for tensor in tensors {
        guard let found = declared.first(where: { $0.name == tensor.name }) else {
          throw Problem(
            description: "config.pbtxt names the \(role) '\(tensor.name)'; the model has "
              + declared.map { "'\($0.name)'" }.joined(separator: ", "))
        }
        try check(tensor, found, role, isBatched)
      }
    }
  }

  private func check(
    _ tensor: Tensor, _ found: ModelMetadata.TensorDeclaration, _ role: String, _ isBatched: Bool
  ) throws(Problem) {
    if let wanted = tensor.dataType, wanted != "TYPE_INVALID",
      let type = (found.contents?.elementType ?? found.elementType).flatMap({ DataType($0) }),
      case let name = ModelConfigMessage.typeName(type.rawValue), wanted != name
    {
      throw Problem(
        description: "config.pbtxt says that the \(role) '\(tensor.name)' is \(wanted); it is \(name)")
    }
    // A scalar has no empty list of dimensions in Triton's format, but a 1.
    guard let dims = tensor.dims, let all = found.servedDimensions, !all.isEmpty else { return }
    let sizes = isBatched ? Array(all.dropFirst()) : all
    guard !sizes.isEmpty else { return }
    let fits =
      dims.count == sizes.count
      && zip(dims, sizes).allSatisfy { wanted, size in
        guard wanted >= 0, case .number(let number) = size else { return true }
        return wanted == number
      }
    guard fits else {
      throw Problem(
        description: "config.pbtxt says that the \(role) '\(tensor.name)' has the dimensions \(dims)"
          + (isBatched ? " beside the batch" : "") + "; the model has \(sizes.map { "\($0)" })")
    }
  }
}

extension ModelMetadata.TensorDeclaration {
  /// The sizes of the tensor that it is served as; of a sequence, that of the sequence first.
  fileprivate var servedDimensions: [DeclaredSize]? {
    guard let contents else { return elementType == .sequence ? nil : dimensions }
    return contents.isOptional ? contents.dimensions : contents.dimensions.map { [.name("?")] + $0 }
  }
}
