import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__StringNormalizer.html`. Letters change case one by one, as Unicode's simple mappings
/// have it. Bytes that are not UTF-8 stay as they are.
extension StringNormalizer: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let x = try operands.operand(0, of: .string)
    let dims = x.shape.dims
    try operands.require(dims.count == 1 || dims.count == 2 && dims[0] == 1, "has an operand of \(x.shape)")
    guard let handles = x.handles, let table = x.table else { throw operands.invalidData("lacks its texts") }
    let stops = Set(
      (0..<stopWords.count).map {
        isCaseSensitive ? Array(stopWords[$0]) : stopWords[$0].withUnsafeBufferPointer { $0.lowercased }
      })
    let kept =
      stops.isEmpty
      ? handles
      : handles.filter { handle in
        !table.withBytes(handle) { stops.contains(isCaseSensitive ? Array($0) : $0.lowercased) }
      }
    // If nothing is left, one empty text is.
    let result = kept.isEmpty ? [0] : kept
    let shape = try Shape(checking: dims.dropLast() + [result.count])
    let type = KernelRequest.ResultType(.string, shape)
    if change == .none {
      return CountedResults([type]) { [try Tensor(handles: result, of: table, shape: shape)] }
    }
    // A letter takes at most three times as many bytes in another case.
    let bytes = result.reduce(0) { $0.adding(saturating: 3 * table.length($1) + 8) }
    return CountedResults([type], textBytes: bytes) {
      let changed = StringTable()
      let handles = try result.map { handle in
        try changed.add(table.withBytes(handle) { change == .lower ? $0.lowercased : $0.uppercased })
      }
      return [try Tensor(handles: handles, of: changed, shape: shape)]
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  fileprivate var lowercased: [UInt8] { mapped(\.simpleLowercase) }
  fileprivate var uppercased: [UInt8] { mapped(\.simpleUppercase) }

  /// The text with each scalar replaced.
  private func mapped(_ transform: (Unicode.Scalar) -> Unicode.Scalar) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var place = 0
    while place < count {
      guard let (value, length) = decodedScalar(self, at: place), let scalar = Unicode.Scalar(value) else {
        result.append(self[place])
        place += 1
        continue
      }
      result.append(contentsOf: UTF8.encode(transform(scalar)) ?? UTF8.EncodedScalar())
      place += length
    }
    return result
  }
}
