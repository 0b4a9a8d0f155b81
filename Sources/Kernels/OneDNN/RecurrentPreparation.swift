import Device
import Tensors

extension StoredLayout.Preparation {
  /// Returns the number of elements that a tensor of `count` elements is laid out in.
  func elementCount(of count: Int) -> Int {
    switch self {
    case .none, .lstmGates: count
    case .lstmBias, .gruBias: count / 2
    case .gruLinearBeforeResetBias: count / 6 * 4
    }
  }

  /// The prepared elements of an LSTM's or a GRU's weights [directions, gates · hidden, inputs] or biases
  /// [directions, 2 · gates · hidden], which are `float32`.
  func recurrent(_ tensor: Tensor) throws -> Tensor {
    let elements = try tensor.elements(as: Float.self)
    let directions = tensor.shape[axis: 0] ?? 1
    guard directions > 0, elements.count % directions == 0 else {
      throw DeviceError(
        .damaged, "recurrent weights of \(elements.count) elements for \(directions) directions")
    }
    let prepared = stride(from: 0, to: elements.count, by: max(elements.count / directions, 1)).flatMap {
      direction(Array(elements[$0..<$0 + elements.count / directions]))
    }
    return try Tensor(prepared, shape: Shape(checking: [prepared.count]))
  }

  private func direction(_ elements: [Float]) -> [Float] {
    switch self {
    case .none: return elements
    case .lstmGates: return lstmOrder(elements)
    case .lstmBias: return lstmOrder(sum(elements))
    case .gruBias: return sum(elements)
    case .gruLinearBeforeResetBias:
      let hidden = elements.count / 6
      let (input, recurrent) = (elements[..<(3 * hidden)], elements[(3 * hidden)...])
      return zip(input, recurrent).prefix(2 * hidden).map { $0 + $1 } + input.suffix(hidden)
        + recurrent.suffix(hidden)
    }
  }

  private func sum(_ elements: [Float]) -> [Float] {
    zip(elements[..<(elements.count / 2)], elements[(elements.count / 2)...]).map { $0 + $1 }
  }

  /// ONNX's input, output, forget, cell as oneDNN's input, forget, cell, output.
  private func lstmOrder(_ elements: [Float]) -> [Float] {
    let gate = elements.count / 4
    return [0, 2, 3, 1].flatMap { elements[($0 * gate)..<(($0 + 1) * gate)] }
  }
}
