import Tensors

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__LSTM.html` (four gates), `onnx__GRU.html` (three) and `onnx__RNN.html` (one).
  /// - Parameter activations: the number of activation functions of a direction.
  func recurrent(_ recurrent: Recurrent, gates: Int, activations: Int) throws(GraphError) -> [Fact?] {
    try checkSameElementType([0, 1, 2, 3])
    guard let type = elementType(0) ?? elementType(1) else {
      return [Fact?](repeating: nil, count: node.outputs.count)
    }
    guard recurrent.hiddenSize > 0 else { throw failure("its hidden size is \(recurrent.hiddenSize)") }
    guard recurrent.activations.isEmpty || recurrent.activations.count == activations * recurrent.directions
    else { throw failure("it has \(recurrent.activations.count) activations") }
    let directions = Dimension.known(recurrent.directions)
    let hidden = Dimension.known(recurrent.hiddenSize)
    let rows = try sized(hidden.times(.known(gates)))
    var time = Dimension.unknown
    var batch = Dimension.unknown
    var features = Dimension.unknown
    if let x = dimensions(0) {
      guard x.count == 3 else { throw failure("its input has \(x.count) axes, not time, batch and features") }
      (time, batch, features) = recurrent.batchFirst ? (x[1], x[0], x[2]) : (x[0], x[1], x[2])
    }
    try checkDimensions(1, [directions, rows, features], "weights")
    try checkDimensions(2, [directions, rows, hidden], "recurrent weights")
    try checkDimensions(3, [directions, try sized(rows.times(.known(2)))], "bias")
    if dimensions(4) != nil { try checkVector(4, batch, "list of sequence lengths") }
    let state = recurrent.batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    try checkDimensions(5, state, "initial state")
    try checkDimensions(6, state, "initial cell")
    try checkDimensions(7, [directions, try sized(hidden.times(.known(3)))], "peepholes")
    let sequence =
      recurrent.batchFirst ? [batch, time, directions, hidden] : [time, directions, batch, hidden]
    return ([sequence] + [state, state]).prefix(node.outputs.count).map { Fact(type, $0) }
  }

  func checkDimensions(_ index: Int, _ wanted: [Dimension], _ what: String) throws(GraphError) {
    guard let found = dimensions(index) else { return }
    let fits = found.count == wanted.count && zip(found, wanted).allSatisfy { $0.unified(with: $1) != nil }
    guard fits else {
      throw failure("its \(what) are \(ValueType.text(found)), not \(ValueType.text(wanted))")
    }
  }
}
