import InferenceProtocol
import Tensors

/// The best classes of an output, as Triton's classification extension gives them: a BYTES tensor of `value:index`, best
/// first, for each row of all but the last axis.
struct Classification {
  private let rows: [[String]]
  private let leading: [Int]
  private let count: Int

  /// - Parameter count: how many classes; fewer when there are not as many.
  /// - Throws: ``ServiceError`` when the tensor has no last axis or no numbers.
  init(of tensor: Tensor, count: Int) throws {
    guard let classes = tensor.shape.dims.last, count > 0,
      let values = tensor.floats ?? tensor.integers?.map({ Float($0) })
    else {
      throw ServiceError(.invalidRequest, "an output of shape \(tensor.shape) cannot be classified")
    }
    self.count = min(count, classes)
    leading = tensor.shape.dims.dropLast()
    rows = stride(from: 0, to: classes > 0 ? values.count : 0, by: max(classes, 1)).map { start in
      values[start..<start + classes].enumerated()
        .sorted { ($0.element, -$0.offset) > ($1.element, -$1.offset) }
        .prefix(count)
        .map { "\($0.element):\($0.offset)" }
    }
  }

  /// About what making the best `count` classes of a tensor takes: its elements as numbers, a row of them sorted, and each
  /// class's text.
  static func byteCount(of tensor: Tensor, count: Int) -> Int {
    let classes = max(tensor.shape.dims.last ?? 1, 1)
    return 32 * classes + tensor.shape.elementCount * 8
      + tensor.shape.elementCount / classes * min(count, classes) * 192
  }

  func named(_ name: String) throws -> NamedTensor {
    NamedTensor(
      name: name, datatype: .bytes, shape: try Shape(checking: leading + [count]),
      contents: .strings(rows.flatMap { $0 }.map { Array($0.utf8) }))
  }
}
