import Device
import Tensors

/// The addresses that one call of a program works on, in the order of its request.
struct Frame {
  var operands: [UnsafeRawPointer?]
  var results: [UnsafeMutableRawPointer?]
  var scratch: UnsafeMutableRawPointer?
  /// The texts of the run; `nil` in a run that has none.
  var strings: StringTable?

  /// The operand of this index. `Element` is its request's element type or one of the same layout.
  func operand<Element: BitwiseCopyable>(_ index: Int, as type: Element.Type) throws
    -> UnsafePointer<Element>
  {
    guard operands.indices.contains(index), let pointer = operands[index] else {
      throw DeviceError(.memory, "a kernel was called without memory for operand \(index)")
    }
    // Device memory holds plain numbers only; the request says of which type, and places are aligned to 64 bytes.
    return pointer.assumingMemoryBound(to: type)
  }

  /// The operand, or `nil` when the request leaves it out.
  func optional<Element: BitwiseCopyable>(_ index: Int, as type: Element.Type) -> UnsafePointer<Element>? {
    guard operands.indices.contains(index) else { return nil }
    return operands[index]?.assumingMemoryBound(to: type)
  }

  /// The result of this index, which the request wants.
  func result<Element: BitwiseCopyable>(_ index: Int, as type: Element.Type) throws
    -> UnsafeMutablePointer<Element>
  {
    guard results.indices.contains(index), let pointer = results[index] else {
      throw DeviceError(.memory, "a kernel was called without memory for result \(index)")
    }
    return pointer.assumingMemoryBound(to: type)
  }

  /// The result, or `nil` when nobody uses it.
  func optionalResult<Element: BitwiseCopyable>(_ index: Int, as type: Element.Type)
    -> UnsafeMutablePointer<Element>?
  {
    guard results.indices.contains(index) else { return nil }
    return results[index]?.assumingMemoryBound(to: type)
  }

  /// Scratch memory from `offset` bytes on.
  func scratch<Element: BitwiseCopyable>(at offset: Int = 0, as type: Element.Type) throws
    -> UnsafeMutablePointer<Element>
  {
    guard let scratch else {
      throw DeviceError(.memory, "a kernel was called without its scratch memory")
    }
    return (scratch + offset).assumingMemoryBound(to: type)
  }
}

/// The computation of a portable kernel on plain layouts, and its promises about memory.
struct Program: Sendable {
  typealias Body = @Sendable (Frame) throws -> Void

  /// For traces.
  var name: String
  /// Operands that the first result may overwrite.
  var inPlaceOperands: [Int] = []
  /// The operand whose bytes the first result repeats; the body then copies them.
  var aliasedOperand: Int?
  /// The offset of each operand in the first result, if that result is the operands one behind the other. The
  /// body then copies them.
  var partOffsets: [Int]?
  /// The offset of each result in the first operand, if every result is a contiguous range of its bytes. The
  /// body then copies them.
  var resultOffsets: [Int]?
  var scratchBytes = 0
  /// A slow stand-in for something that a kernel library does much faster.
  var isReference = false
  /// Bytes kept for a call: converted immediates, tables.
  var footprint = 0
  var body: Body
}

/// `bytes` rounded up so that what follows is aligned for every element type and a cache line. Never 0: a kernel that uses
/// scratch memory is given some, though its tensors are empty.
func alignedScratch(_ bytes: Int) -> Int { bytes == 0 ? 64 : (bytes &+ 63) & ~63 }
