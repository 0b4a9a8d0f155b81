import Tensors

/// Random numbers that are the same for the same seed (SplitMix64; Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  /// Numbers for one input of one model: the same whatever else is drawn.
  init(seed: UInt64, model: String, input: String) {
    // FNV-1a (Fowler, Noll and Vo) over both names, a zero between them.
    state = seed
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Array(model.utf8) + [0] + Array(input.utf8) {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    // Mixed once, so that seeds and names that lie close together start far apart.
    state = next() ^ hash
    state = next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// Floats from 0 to 1; integers and booleans 0 or 1, which are valid indices of nearly everything.
  /// Texts are these digits.
  mutating func tensor(_ type: ElementType, _ shape: Shape) throws -> Tensor {
    if type == .string {
      return try Tensor(strings: (0..<shape.elementCount).map { _ in "\(next() & 1)" }, shape: shape)
    }
    return try Tensor(elementType: type, shape: shape) { bytes in
      switch type {
      case .float32: fill(bytes) { Float.random(in: 0..<1, using: &$0) }
      case .float64: fill(bytes) { Double.random(in: 0..<1, using: &$0) }
      case .float16: fill(bytes) { Float16(Float.random(in: 0..<1, using: &$0)) }
      case .bfloat16: fill(bytes) { BFloat16(Float.random(in: 0..<1, using: &$0)) }
      default:
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let width = max(type.bitWidth / 8, 1)
        for element in stride(from: 0, to: bytes.count, by: width) { bytes[element] = UInt8(next() & 1) }
      }
    }
  }

  /// Draws each element where it will lie: a tensor may be as large as the budget.
  private mutating func fill<Element: BitwiseCopyable>(
    _ bytes: UnsafeMutableRawBufferPointer, _ draw: (inout SeededGenerator) -> Element
  ) {
    // The memory of a tensor that is being made: aligned for its elements, and nobody else's yet.
    let elements = bytes.bindMemory(to: Element.self)
    for index in elements.indices { elements.initializeElement(at: index, to: draw(&self)) }
  }
}
