import ModelStore
import Tensors

extension ModelMetadata {
  /// The reason why a server cannot serve the model; `nil` if it can. The protocol has tensors only.
  public var unservedReason: String? {
    for (role, tensors) in [("input", inputs), ("output", outputs)] {
      if let tensor = tensors.first(where: { $0.elementType == .sequence }) {
        return
          "its \(role) '\(tensor.name)' is a sequence or an optional whose length is known only at run time, which is "
          + "not served; make it a tensor in the model, or run it with fusedinf run"
      }
    }
    return nil
  }
}
