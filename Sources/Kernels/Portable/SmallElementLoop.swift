import Tensors

/// The loop for a pair of types of which one is small: by way of the type that each is widened to, block by block.
func smallLoop(from source: ElementType, to target: ElementType, _ rounding: SmallFloatRounding)
  -> ConvertLoop?
{
  let (given, wanted) = (source.wideType, target.wideType)
  let odd = target.isSmallFloat ? oddLoop(from: given) : nil
  guard let convert = odd ?? convertLoop(from: given, to: wanted) else { return nil }
  let (isWidened, isNarrowed) = (given != source, wanted != target)
  let (sourceBits, targetBits) = (source.bitWidth, target.bitWidth)
  return { from, to, count in
    withUnsafeTemporaryAllocation(byteCount: 2 * smallBlock * 4, alignment: 64) { memory in
      guard let widened = memory.baseAddress else { return }
      let narrowed = widened + smallBlock * 4
      for start in stride(from: 0, to: count, by: smallBlock) {
        let length = min(smallBlock, count - start)
        // A block is a multiple of eight elements: it begins with a byte.
        var input = from + start / 8 * sourceBits
        if isWidened {
          SmallElements.widen(source, input, to: widened, count: length)
          input = UnsafeRawPointer(widened)
        }
        let output = to + start / 8 * targetBits
        guard isNarrowed else {
          convert(input, output, length)
          continue
        }
        if given != wanted || odd != nil {
          convert(input, narrowed, length)
          input = UnsafeRawPointer(narrowed)
        }
        SmallElements.narrow(input, to: target, output, count: length, rounding)
      }
    }
  }
}

/// Elements in a block: those that small ones are widened to have at most four bytes.
private let smallBlock = 512

/// The loop to `float32` that keeps what another rounding needs; `nil` for types whose elements are exact there.
private func oddLoop(from source: ElementType) -> ConvertLoop? {
  switch source {
  case .float64: floats(Double.self) { Float(roundingToOdd: $0) }
  case .int32: floats(Int32.self) { Float(roundingToOdd: Int64($0)) }
  case .uint32: floats(UInt32.self) { Float(roundingToOdd: Int64($0)) }
  case .int64: floats(Int64.self) { Float(roundingToOdd: $0) }
  case .uint64: floats(UInt64.self) { Float(roundingToOdd: $0) }
  default: nil
  }
}

private func floats<Source: BitwiseCopyable>(
  _ type: Source.Type, _ convert: @escaping @Sendable (Source) -> Float
) -> ConvertLoop {
  { from, to, count in mapElements(type, Float.self, from, to, count, convert) }
}
