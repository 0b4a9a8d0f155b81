import ModelGraph
import Tensors

/// Converts runs of elements from one element type to another.
typealias ConvertLoop = @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

/// The loop for a pair of types; `nil` when the target is a 4-bit type.
func convertLoop(from source: ElementType, to target: ElementType) -> ConvertLoop? {
  if source == target, let size = source.byteCount(of: 1), source.bitWidth >= 8 {
    return { from, to, count in to.copyMemory(from: from, byteCount: count * size) }
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
  case .int4, .uint4: return nibbleLoop(signed: source == .int4, to: target)
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
  case .int4, .uint4: return nil
  }
}

private func loop<Source: Convertible, Target: Convertible>(_: Source.Type, _: Target.Type) -> ConvertLoop {
  { from, to, count in
    let source = from.assumingMemoryBound(to: Source.self)
    let target = to.assumingMemoryBound(to: Target.self)
    for index in 0..<count { target[index] = source[index].converted(to: Target.self) }
  }
}

private func nibbleLoop(signed: Bool, to target: ElementType) -> ConvertLoop? {
  guard let size = target.byteCount(of: 1), let convert = convertLoop(from: .int8, to: target) else {
    return nil
  }
  return { from, to, count in
    let source = from.assumingMemoryBound(to: UInt8.self)
    for index in 0..<count {
      let nibble = index & 1 == 0 ? source[index >> 1] & 0xf : source[index >> 1] >> 4
      var value = Int8(bitPattern: nibble)
      if signed, value > 7 { value -= 16 }
      convert(&value, to + index * size, 1)
    }
  }
}
