import Device

/// Copies elements between two tensors of the same dimensions and any strides: the core of transposing, slicing,
/// expanding, joining and splitting.
struct StridedCopy: Sendable {
  private var outer: Walk
  private var rows = 1
  private var columns = 1
  private var rowStep = SIMD4<Int>(repeating: 0)
  private var columnStep = SIMD4<Int>(repeating: 1)
  private let elementSize: Int
  private let isEmpty: Bool

  /// - Parameters:
  ///   - source: strides of the source in elements; 0 and negative ones are welcome.
  ///   - elementSize: 1, 2, 4 or 8 bytes.
  init(_ dims: [Int], source: [Int], target: [Int], elementSize: Int) {
    isEmpty = dims.contains(0)
    outer = Walk(isEmpty ? [] : dims, [source, target])
    self.elementSize = elementSize
    (columns, columnStep) = outer.removeInnermost()
    guard !outer.dims.isEmpty else { return }
    // Blocks of a transposition read along one axis and write along the other.
    let along = columnStep[0] == 1 ? nil : outer.steps.firstIndex { $0[0] == 1 }
    (rows, rowStep) = outer.remove(along ?? outer.dims.count - 1)
  }

  /// Both addresses are those of the element at index zero; everything that the strides reach is in bounds.
  func run(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    if isEmpty { return }
    switch elementSize {
    case 1: run(source.assumingMemoryBound(to: UInt8.self), target.assumingMemoryBound(to: UInt8.self))
    case 2: run(source.assumingMemoryBound(to: UInt16.self), target.assumingMemoryBound(to: UInt16.self))
    case 4: run(source.assumingMemoryBound(to: UInt32.self), target.assumingMemoryBound(to: UInt32.self))
    default: run(source.assumingMemoryBound(to: UInt64.self), target.assumingMemoryBound(to: UInt64.self))
    }
  }

  private func run<Element: BitwiseCopyable>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>
  ) {
    outer.forEach { offset in
      plane(source + offset[0], target + offset[1])
    }
  }

  private func plane<Element: BitwiseCopyable>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>
  ) {
    let (sourceStep, targetStep) = (columnStep[0], columnStep[1])
    let (sourceRow, targetRow) = (rowStep[0], rowStep[1])
    if sourceStep == 1, targetStep == 1 {
      for row in 0..<rows {
        (target + row &* targetRow).update(from: source + row &* sourceRow, count: columns)
      }
      return
    }
    let block = 16
    var firstRow = 0
    while firstRow < rows {
      let lastRow = min(firstRow &+ block, rows)
      var first = 0
      while first < columns {
        let last = min(first &+ block, columns)
        var row = firstRow
        while row < lastRow {
          let from = source + row &* sourceRow
          let to = target + row &* targetRow
          var column = first
          while column < last {
            to[column &* targetStep] = from[column &* sourceStep]
            column &+= 1
          }
          row &+= 1
        }
        first = last
      }
      firstRow = lastRow
    }
  }
}

/// Strides of a dense tensor of `dims`, in elements. `dims` come from a ``Shape``, which bounds their product.
func denseStrides(_ dims: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: dims.count)
  for axis in dims.indices.dropLast().reversed() {
    strides[axis] = strides[axis + 1] * max(dims[axis + 1], 1)
  }
  return strides
}
