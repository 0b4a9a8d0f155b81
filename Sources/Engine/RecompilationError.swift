/// A compiled model cannot be used, and could not be compiled again from the source that the store keeps.
public struct RecompilationError: Error, Sendable, CustomStringConvertible {
  let model: String
  /// Why the compiled model cannot be used.
  let reason: String
  /// Why it could not be compiled again.
  let failure: any Error

  public var description: String {
    "model '\(model)' cannot be used: \(reason). Recompiling it failed: \(failure); "
      + "to fix it, add its ONNX file again as '\(model)' with 'fusedinf add'"
  }
}
