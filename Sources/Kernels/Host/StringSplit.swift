import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__StringSplit.html`, which splits as Python does.
extension StringSplit: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0, of: .string)
    guard let handles = x.handles, let table = x.table else { throw operands.invalidData("lacks its texts") }
    try operands.require(delimiter.count == 1, "has \(delimiter.count) delimiters")
    let splitter = TextSplitter(delimiter: Array(delimiter[0]), limit: limit ?? .max)
    // The parts of a text are at most one more than its bytes.
    let parts = handles.map { handle in table.withBytes(handle) { splitter.count($0) } }
    let width = parts.max() ?? 0
    let shape = try Shape(checking: x.shape.dims + [width])
    let bytes = handles.reduce(0) { $0.adding(saturating: table.length($1)) }
    let texts = parts.reduce(0) { $0.adding(saturating: 8 * $1) }
    return CountedResults(
      [KernelRequest.ResultType(.string, shape), KernelRequest.ResultType(.int64, x.shape)],
      textBytes: bytes.adding(saturating: texts)
    ) {
      let split = StringTable()
      let values = try Tensor(elementType: .string, shape: shape, table: split) { memory in
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        for (row, handle) in handles.enumerated() {
          var column = 0
          try table.withBytes(handle) { text in
            try splitter.forEach(text) { range in
              let part = try split.add(UnsafeBufferPointer(rebasing: text[range]))
              memory.storeBytes(of: part, toByteOffset: (row * width + column) * 8, as: UInt64.self)
              column += 1
            }
          }
        }
      }
      return [values, try Tensor(parts.map { Int64($0) }, shape: x.shape)]
    }
  }
}

/// The parts of a text.
private struct TextSplitter {
  /// Empty for runs of white space.
  var delimiter: [UInt8]
  /// The most splits.
  var limit: Int

  func count(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    forEach(text) { _ in count += 1 }
    return count
  }

  /// Calls `body` with the place of each part.
  func forEach(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void) rethrows {
    if delimiter.isEmpty { return try forEachWord(text, body) }
    var (start, place, splits) = (0, 0, 0)
    while splits < limit, place + delimiter.count <= text.count {
      guard text[place..<place + delimiter.count].elementsEqual(delimiter) else {
        place += 1
        continue
      }
      try body(start..<place)
      place += delimiter.count
      (start, splits) = (place, splits + 1)
    }
    try body(start..<text.count)
  }

  /// The same between runs of white space. White space at the begin belongs to no part, nor does that at the end unless the
  /// splits are used up.
  private func forEachWord(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void) rethrows {
    var (start, place, splits) = (0, 0, 0)
    var isInside = false
    while place < text.count {
      let (isSpace, length) = whiteSpace(text, at: place)
      if isInside, isSpace {
        try body(start..<place)
        (isInside, splits) = (false, splits + 1)
      } else if !isInside, !isSpace {
        (isInside, start) = (true, place)
        if splits >= limit { return try body(start..<text.count) }
      }
      place += length
    }
    if isInside { try body(start..<text.count) }
  }

  private func whiteSpace(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> (Bool, length: Int) {
    guard let (value, length) = decodedScalar(text, at: place), let scalar = Unicode.Scalar(value) else {
      return (false, 1)
    }
    return (scalar.properties.isWhitespace, length)
  }
}
