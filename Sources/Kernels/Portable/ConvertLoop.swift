import ModelGraph
import Tensors

/// Converts runs of elements from one element type to another.
typealias ConvertLoop = @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

/// The loop for a pair of types.
/// - Parameter rounding: the way to the float types of eight bits.
func convertLoop(
  from source: ElementType, to target: ElementType, _ rounding: SmallFloatRounding = .standard
) -> ConvertLoop? {
  if source == target {
    return { from, to, count in
      // In range: the elements are in memory.
      if let bytes = source.byteCount(of: count) { to.copyMemory(from: from, byteCount: bytes) }
    }
  }
  if source.wideType != source || target.wideType != target {
    return smallLoop(from: source, to: target, rounding)
  }
  switch source {
  case .float32: return loop(from: Float.self, to: target)
  case .float64: return loop(from: Double.self, to: target)
  case .float16: return loop(from: Float16.self, to: target)
  case .bfloat16: return loop(from: BFloat16.self, to: target)
  case .int8: return loop(from: Int8.self, to: target)
  case .int16: return loop(from: Int16.self, to: target)
  case .int32: return loop(from: Int32.self, to: target)
  case .int64: return loop(from: Int64.self, to: target)
  case .uint8: return loop(from: UInt8.self, to: target)
  case .uint16: return loop(from: UInt16.self, to: target)
  case .uint32: return loop(from: UInt32.self, to: target)
  case .uint64: return loop(from: UInt64.self, to: target)
  case .bool: return loop(from: Truth.self, to: target)
  default: return nil
  }
}

private func loop<Source: Convertible>(from: Source.Type, to target: ElementType) -> ConvertLoop? {
  switch target {
  case .float32: return loop(from, Float.self)
  case .float64: return loop(from, Double.self)
  case .float16: return loop(from, Float16.self)
  case .bfloat16: return loop(from, BFloat16.self)
  case .int8: return loop(from, Int8.self)
  case .int16: return loop(from, Int16.self)
  case .int32: return loop(from, Int32.self)
  case .int64: return loop(from, Int64.self)
  case .uint8: return loop(from, UInt8.self)
  case .uint16: return loop(from, UInt16.self)
  case .uint32: return loop(from, UInt32.self)
  case .uint64: return loop(from, UInt64.self)
  case .bool: return loop(from, Truth.self)
  default: return nil
  }
}

private func loop<Source: Convertible, Target: Convertible>(_: Source.Type, _: Target.Type) -> ConvertLoop {
  { from, to, count in
    let source = from.assumingMemoryBound(to: Source.self)
    let target = to.assumingMemoryBound(to: Target.self)
    for index in 0..<count { target[index] = source[index].converted(to: Target.self) }
  }
}
