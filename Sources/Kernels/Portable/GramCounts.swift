import Device
import ModelGraph
import Tensors

extension GramCounts: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try GramCountsProgram.build(self, request) }
}

/// ONNX `TfIdfVectorizer`: x, then the tree of n-grams. Tables are checked as they are walked.
enum GramCountsProgram {
  static func build(_ counts: GramCounts, _ request: KernelRequest) throws -> Program? {
    let x = try request.operand(0)
    if let program = try Conversion.ifNeeded(request, operands: [0: .int64]) { return program }
    let dims = x.shape.dims
    try request.require(dims.count == 1 || dims.count == 2, "a list or a matrix is needed")
    try request.requireResult(dims.dropLast() + [counts.width])
    try request.require(try request.result(0).elementType == .float32, "the result should be float32")
    let edges = try request.operand(1).shape.elementCount
    for (index, count) in [(1, edges), (2, edges + 1), (3, edges)] {
      let table = try request.operand(index)
      try request.require(
        table.elementType == .int64 && table.shape.dims == [count],
        "table \(index) should be \(count) numbers of type int64")
    }
    if let weights = request.optionalOperand(4) {
      try request.require(
        weights.elementType == .float32 && weights.shape.dims == [edges],
        "each edge should have a weight of type float32")
    }
    let (rows, length) = (dims.count == 2 ? dims[0] : 1, dims[dims.count - 1])
    let errors = request.withoutElements
    return Program(name: "n-gram counts") { frame in
      let (source, target) = (try frame.operand(0, as: Int64.self), try frame.result(0, as: Float.self))
      let tree = GramTree(
        tokens: try frame.operand(1, as: Int64.self), children: try frame.operand(2, as: Int64.self),
        columns: try frame.operand(3, as: Int64.self), weights: frame.optional(4, as: Float.self),
        edges: edges)
      target.update(repeating: 0, count: rows &* counts.width)
      for row in 0..<rows {
        let fits = tree.count(source + row &* length, length, counts, into: target + row &* counts.width)
        try errors.require(fits, "the tables of n-grams are damaged")
      }
    }
  }
}

/// A tree of n-grams in memory; see ``GramCounts``.
private struct GramTree {
  let tokens: UnsafePointer<Int64>
  let children: UnsafePointer<Int64>
  let columns: UnsafePointer<Int64>
  let weights: UnsafePointer<Float>?
  let edges: Int

  /// Adds a row's n-grams to its counts. Single integers have no neighbours, so they count without skips alone.
  /// - Returns: false if the tables contradict each other.
  func count(
    _ row: UnsafePointer<Int64>, _ length: Int, _ counts: GramCounts, into target: UnsafeMutablePointer<Float>
  ) -> Bool {
    for stride in 1...(counts.skips &+ 1) {
      let shortest = max(counts.minimumLength, stride == 1 ? 1 : 2)
      if counts.maximumLength < shortest { break }
      // From this distance on, no n-gram of two integers fits.
      if stride > 1, stride >= length { break }
      for start in 0..<length {
        guard add(row, start, stride, length, shortest, counts, into: target) else { return false }
      }
    }
    return true
  }

  /// Adds the n-grams that start at one place.
  @inline(__always)
  private func add(
    _ row: UnsafePointer<Int64>, _ start: Int, _ stride: Int, _ length: Int, _ shortest: Int,
    _ counts: GramCounts, into target: UnsafeMutablePointer<Float>
  ) -> Bool {
    var (place, size) = (start, 1)
    var (first, end) = (0, Int(children[0]))
    while place < length, size <= counts.maximumLength {
      guard first >= 0, first <= end, end <= edges else { return false }
      guard let edge = edge(row[place], first, end) else { return true }
      if size >= shortest, columns[edge] >= 0 {
        guard columns[edge] < counts.width else { return false }
        let weight = weights.map { $0[edge] } ?? 1
        let column = Int(columns[edge])
        target[column] = counts.onlyPresence ? weight : target[column] + weight
      }
      (first, end) = (Int(children[edge]), Int(children[edge &+ 1]))
      place &+= stride
      size &+= 1
    }
    return true
  }

  /// The edge of a token among those from `first` to `end`.
  @inline(__always) private func edge(_ token: Int64, _ first: Int, _ end: Int) -> Int? {
    var (low, high) = (first, end)
    while low < high {
      let middle = low &+ (high &- low) / 2
      if tokens[middle] < token { low = middle &+ 1 } else { high = middle }
    }
    return low < end && tokens[low] == token ? low : nil
  }
}
