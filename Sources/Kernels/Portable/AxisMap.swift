/// Gathers elements by a table for each axis: which element offset every index of the result stands for.
enum AxisMap {
  /// A longer axis gets no table: a run would take more bytes for it than the tensors have.
  static let longestAxis = 1 << 28

  /// Fills the dense result. Sums of offsets are in the source's bounds.
  /// - Parameters:
  ///   - offsets: the axes' offsets one behind the other, `counts` of each.
  static func gather(
    _ offsets: UnsafeBufferPointer<Int>, _ counts: [Int], elementSize: Int, from: UnsafePointer<UInt8>,
    to: UnsafeMutablePointer<UInt8>
  ) {
    var start = 0
    let rows = counts.map { count in
      defer { start += count }
      return UnsafeBufferPointer(rebasing: offsets[start..<start + count])
    }
    switch elementSize {
    case 1: gather(UInt8.self, rows, from, to)
    case 2: gather(UInt16.self, rows, from, to)
    case 4: gather(UInt32.self, rows, from, to)
    default: gather(UInt64.self, rows, from, to)
    }
  }

  private static func gather<Element: BitwiseCopyable>(
    _: Element.Type, _ rows: [UnsafeBufferPointer<Int>], _ from: UnsafePointer<UInt8>,
    _ to: UnsafeMutablePointer<UInt8>
  ) {
    let source = UnsafeRawPointer(from).assumingMemoryBound(to: Element.self)
    var target = UnsafeMutableRawPointer(to).assumingMemoryBound(to: Element.self)
    /// Bounded by the rank of a shape.
    func descend(_ axis: Int, _ base: Int) {
      guard axis == rows.count - 1 else {
        var last: (offset: Int, start: UnsafeMutablePointer<Element>)?
        for offset in rows[axis] {
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
      for offset in rows[axis] {
        target.pointee = source[base &+ offset]
        target += 1
      }
    }
    if rows.isEmpty { target.pointee = source.pointee } else { descend(0, 0) }
  }
}
