import Tensors

extension ElementType {
  /// The short name that printed graphs use: `f32`, `i64`, `bool`.
  var shortName: String {
    switch self {
    case .float32: "f32"
    case .float64: "f64"
    case .float16: "f16"
    case .bfloat16: "bf16"
    case .int8: "i8"
    case .int16: "i16"
    case .int32: "i32"
    case .int64: "i64"
    case .uint8: "u8"
    case .uint16: "u16"
    case .uint32: "u32"
    case .uint64: "u64"
    case .bool: "bool"
    case .int4: "i4"
    case .uint4: "u4"
    case .int2: "i2"
    case .uint2: "u2"
    case .float8E4M3FN: "f8e4m3fn"
    case .float8E4M3FNUZ: "f8e4m3fnuz"
    case .float8E5M2: "f8e5m2"
    case .float8E5M2FNUZ: "f8e5m2fnuz"
    case .float8E8M0: "f8e8m0"
    case .float4E2M1: "f4e2m1"
    case .sequence: "seq"
    case .string: "string"
    }
  }
}

extension ValueType {
  /// `f32[batch,3,?]`; `f32[*]` where the rank is not known.
  var shortDescription: String {
    guard let dimensions else { return "\(elementType.shortName)[*]" }
    return elementType.shortName + ValueType.text(dimensions).replacing(", ", with: ",")
  }
}
