import Device
import ModelGraph
import Tensors

extension TopK: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try TopKProgram.build(axis: axis, largest: largest, request)
  }
}

/// ONNX `TopK`: x, k. The result's shape says how many; always sorted, equal elements in the operand's order.
enum TopKProgram {
  static func build(axis: Int, largest: Bool, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    guard let wide = Conversion.foldType(operand.elementType, ordered: true) else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
      return program
    }
    let axis = try request.axis(axis, rank: operand.shape.rank)
    guard let some = request.optionalResult(0) ?? request.optionalResult(1) else { return nil }
    try request.require(some.shape.rank == operand.shape.rank, "the results should keep the rank")
    let wanted = some.shape.dims[axis]
    var dims = operand.shape.dims
    try request.require(wanted <= dims[axis], "\(wanted) of \(dims[axis]) elements cannot be chosen")
    dims[axis] = wanted
    if let values = request.optionalResult(0) {
      try request.require(values.shape.dims == dims, "the values should have the shape \(dims)")
      try request.requireSameType(0)
    }
    if let indices = request.optionalResult(1) {
      try request.require(
        indices.shape.dims == dims && indices.elementType == .int64, "the indices should be int64 \(dims)")
    }
    let (outer, count, inner) = operand.shape.split(at: axis)
    let k = try Parameter(request, 1)
    let errors = request.withoutElements
    func program<Element: Number>(_ type: Element.Type) -> Program {
      Program(name: "top k", scratchBytes: alignedScratch(wanted * MemoryLayout<Int>.size)) { frame in
        if let k {
          let given = try k.values(frame)
          try errors.require(given == [wanted], "k is \(given), not \(wanted)")
        }
        let source = try frame.operand(0, as: type)
        let (values, indices) = (
          frame.optionalResult(0, as: type), frame.optionalResult(1, as: Int64.self)
        )
        let heap = try frame.scratch(as: Int.self)
        for row in 0..<outer {
          for column in 0..<inner {
            let line = source + (row &* count &* inner &+ column)
            choose(line, inner, count, into: heap, wanted, largest)
            for rank in 0..<wanted {
              let place = (row &* wanted &+ rank) &* inner &+ column
              values?[place] = line[heap[rank] &* inner]
              indices?[place] = Int64(heap[rank])
            }
          }
        }
      }
    }
    switch operand.elementType {
    case .float32: return program(Float.self)
    case .float64: return program(Double.self)
    case .int64: return program(Int64.self)
    case .uint64: return program(UInt64.self)
    default: return nil
    }
  }

  /// In an order in which what is not a number is larger than all numbers.
  @inline(__always) private static func exceeds<Element: Number>(_ a: Element, _ b: Element) -> Bool {
    a > b || (a != a && b == b)
  }

  /// Leaves the indices of the best `wanted` of `count` elements in `heap`, best first.
  private static func choose<Element: Number>(
    _ line: UnsafePointer<Element>, _ stride: Int, _ count: Int, into heap: UnsafeMutablePointer<Int>,
    _ wanted: Int, _ largest: Bool
  ) {
    /// True when the element at `a` comes before the one at `b`.
    @inline(__always) func precedes(_ a: Int, _ b: Int) -> Bool {
      let (x, y) = (line[a &* stride], line[b &* stride])
      if largest ? exceeds(x, y) : exceeds(y, x) { return true }
      if largest ? exceeds(y, x) : exceeds(x, y) { return false }
      return a < b
    }
    /// Lets the element at `start` of a heap of `size` (its worst on top) sink to its place.
    func sink(_ start: Int, _ size: Int) {
      var parent = start
      while 2 &* parent &+ 1 < size {
        var child = 2 &* parent &+ 1
        if child &+ 1 < size, precedes(heap[child], heap[child &+ 1]) { child &+= 1 }
        if !precedes(heap[parent], heap[child]) { return }
        (heap[parent], heap[child]) = (heap[child], heap[parent])
        parent = child
      }
    }
    if wanted == 0 { return }
    for index in 0..<wanted { heap[index] = index }
    for parent in (0..<(wanted / 2)).reversed() { sink(parent, wanted) }
    for candidate in wanted..<max(count, wanted) where precedes(candidate, heap[0]) {
      heap[0] = candidate
      sink(0, wanted)
    }
    for size in (1..<wanted).reversed() {
      (heap[0], heap[size]) = (heap[size], heap[0])
      sink(0, size)
    }
  }
}
