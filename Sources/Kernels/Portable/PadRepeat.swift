import ModelGraph
import Tensors

/// Pads with elements of the operand itself: its edge, its reflection, or the operand again.
struct PadRepeat: Sendable {
  let mode: PadMode
  /// The amount added before each axis; negative where elements are cropped.
  let begins: [Int]
  let source: Shape
  /// The result's sizes. Where one is not zero, the operand's is not either.
  let counts: [Int]
  /// Bytes.
  let elementSize: Int

  /// Fills the dense result.
  func run(from: UnsafePointer<UInt8>, to: UnsafeMutablePointer<UInt8>) {
    switch elementSize {
    case 1: run(UInt8.self, from, to)
    case 2: run(UInt16.self, from, to)
    case 4: run(UInt32.self, from, to)
    default: run(UInt64.self, from, to)
    }
  }

  private func run<Element: BitwiseCopyable>(
    _: Element.Type, _ from: UnsafePointer<UInt8>, _ to: UnsafeMutablePointer<UInt8>
  ) {
    if counts.contains(0) { return }
    // Tensors lie aligned for their elements. Every index below is in bounds: a position is one of the operand's axis, and the
    // result has as many elements as its sizes say.
    let operand = UnsafeRawPointer(from).assumingMemoryBound(to: Element.self)
    var target = UnsafeMutableRawPointer(to).assumingMemoryBound(to: Element.self)
    /// Bounded by the rank of a shape.
    func descend(_ axis: Int, _ base: Int) {
      guard axis < counts.count else {
        target.pointee = operand[base]
        target += 1
        return
      }
      let (begin, count, stride) = (begins[axis], counts[axis], source.strides[axis])
      guard axis == counts.count - 1 else {
        for index in 0..<count { descend(axis + 1, base &+ position(index &- begin, axis) &* stride) }
        return
      }
      // The operand's own elements lie side by side; only those around them are looked up.
      let first = min(max(begin, 0), count)
      let end = min(max(begin &+ source.dims[axis], first), count)
      for index in 0..<first { target[index] = operand[base &+ position(index &- begin, axis)] }
      if first < end {
        (target + first).update(from: operand + (base &+ first &- begin), count: end - first)
      }
      for index in end..<count { target[index] = operand[base &+ position(index &- begin, axis)] }
      target += count
    }
    descend(0, 0)
  }

  /// The operand's index along `axis` that stands at `index`, which may be outside.
  private func position(_ index: Int, _ axis: Int) -> Int {
    let dim = source.dims[axis]
    func wrapped(_ period: Int) -> Int { (index % period + period) % period }
    switch mode {
    case .constant, .edge: return min(max(index, 0), dim - 1)
    case .wrap: return wrapped(dim)
    case .reflect:
      if dim == 1 { return 0 }
      let position = wrapped(2 * (dim - 1))
      return position < dim ? position : 2 * (dim - 1) - position
    }
  }
}
