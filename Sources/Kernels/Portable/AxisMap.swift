/// Gathers elements by a table for each axis: which element offset every index of the result stands for.
struct AxisMap: Sendable {
  /// By axis of the result, then by index: element offsets in the source, to be added up.
  var offsets: [[Int]]
  let elementSize: Int

  /// A longer axis gets no table: a plan would keep more bytes for it than the tensors have.
  static let longestAxis = 1 << 28

  /// Fills the dense result. Sums of offsets are in the source's bounds.
  func run(from: UnsafePointer<UInt8>, to: UnsafeMutablePointer<UInt8>) {
    switch elementSize {
    case 1: gather(UInt8.self, from, to)
    case 2: gather(UInt16.self, from, to)
    case 4: gather(UInt32.self, from, to)
    default: gather(UInt64.self, from, to)
    }
  }

  private func gather<Element: BitwiseCopyable>(
    _: Element.Type, _ from: UnsafePointer<UInt8>, _ to: UnsafeMutablePointer<UInt8>
  ) {
    let source = UnsafeRawPointer(from).assumingMemoryBound(to: Element.self)
    var target = UnsafeMutableRawPointer(to).assumingMemoryBound(to: Element.self)
    /// Bounded by the rank of a shape.
    func descend(_ axis: Int, _ base: Int) {
      guard axis == offsets.count - 1 else {
        var last: (offset: Int, start: UnsafeMutablePointer<Element>)?
        for offset in offsets[axis] {
          let start = target
          if let last, last.offset == offset {
            // The same place again, as when an image is enlarged: what was gathered is copied.
            let count = start - last.start
            target.update(from: last.start, count: count)
            target += count
          } else {
            descend(axis + 1, base &+ offset)
          }
          last = (offset, start)
        }
        return
      }
      offsets[axis].withUnsafeBufferPointer { row in
        for offset in row {
          target.pointee = source[base &+ offset]
          target += 1
        }
      }
    }
    if offsets.isEmpty { target.pointee = source.pointee } else { descend(0, 0) }
  }
}
