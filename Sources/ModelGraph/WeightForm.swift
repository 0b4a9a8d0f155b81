import Tensors

/// The form of the weights of a compiled model.
public enum WeightForm: String, Sendable, Hashable, Codable, CaseIterable {
  /// As the model's file has them.
  case float32 = "f32"
  case bfloat16 = "bf16"
  case float16 = "f16"
  /// Symmetric: an integer from −127 to 127 times a scale, which a filter, or 128 weights of a column, have in common.
  case int8

  /// The element type of weights of this form.
  package var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .float16: .float16
    case .int8: .int8
    }
  }
}
