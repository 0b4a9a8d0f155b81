import Device
import ModelGraph
import Tensors

/// The common parts of `RNN`, `LSTM` and `GRU`: shapes, positions of steps and states, activations, and the inputs of gates.
struct RecurrentLayer: Sendable {
  let steps: Int
  let batch: Int
  let input: Int
  let hidden: Int
  let directions: Int
  /// Numbers in all gates of one step.
  let gates: Int
  let clip: Double?
  private let activations: [RecurrentActivation]
  private let batchFirst: Bool
  private let reverse: Bool

  init(
    _ recurrent: Recurrent, gates count: Int, activations defaults: [RecurrentActivation],
    _ request: KernelRequest
  ) throws {
    let x = try request.operand(0).shape.dims
    hidden = recurrent.hiddenSize
    directions = recurrent.directions
    try request.require(
      x.count == 3 && hidden > 0 && hidden < 1 << 24, "a sequence of batches of vectors is needed")
    batchFirst = recurrent.batchFirst
    (steps, batch, input) = batchFirst ? (x[1], x[0], x[2]) : (x[0], x[1], x[2])
    reverse = recurrent.direction == .reverse
    gates = count * hidden
    clip = recurrent.clip
    let all = (0..<recurrent.directions).flatMap { _ in defaults }
    activations = recurrent.activations.isEmpty ? all : recurrent.activations
    try request.require(activations.count == all.count, "each direction needs \(defaults.count) activations")
    try request.require(
      try request.operand(1).shape.dims == [directions, gates, input]
        && request.operand(2).shape.dims == [directions, gates, hidden],
      "the weights do not fit the input and hidden sizes")
    if let bias = request.optionalOperand(3) {
      try request.require(
        bias.shape.dims == [directions, 2 * gates], "the biases do not fit the hidden size")
    }
    if let lengths = request.optionalOperand(4) {
      try request.require(
        lengths.elementType == .int32 && lengths.shape.dims == [batch],
        "the lengths should be int32, one a batch")
    }
    let state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    for index in [5, 6] {
      guard let initial = request.optionalOperand(index) else { continue }
      try request.require(initial.shape.dims == state, "operand \(index) should be \(state)")
    }
    let y = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    for (index, result) in request.results.enumerated() {
      guard let result else { continue }
      let expected = index == 0 ? y : state
      try request.require(result.shape.dims == expected, "result \(index) should be \(expected)")
    }
  }

  func isReversed(_ direction: Int) -> Bool { reverse || direction == 1 }

  /// The activation functions of a direction, in ONNX's order.
  func functions<Element: Real>(_ direction: Int, _ type: Element.Type) -> [ActivationFunction<Element>] {
    let count = activations.count / directions
    return activations[direction * count..<(direction + 1) * count].map { ActivationFunction($0) }
  }

  /// The row of the operand that holds a step of a batch.
  func row(step: Int, batch index: Int) -> Int { batchFirst ? index * steps + step : step * batch + index }

  /// The row of y.
  func output(step: Int, direction: Int, batch index: Int) -> Int {
    batchFirst
      ? (index * steps + step) * directions + direction : (step * directions + direction) * batch + index
  }

  /// The row of a state.
  func state(direction: Int, batch index: Int) -> Int {
    batchFirst ? index * directions + direction : direction * batch + index
  }

  /// The number of steps of each batch, checked.
  func lengths(_ frame: Frame, _ request: KernelRequest) throws -> [Int] {
    guard let given = frame.optional(4, as: Int32.self) else { return [Int](repeating: steps, count: batch) }
    return try (0..<batch).map { index in
      let length = Int(given[index])
      try request.require(length >= 0 && length <= steps, "a sequence of \(length) of \(steps) steps")
      return length
    }
  }

  /// A matrix times a vector, added: `to[j] += Σ x[k] · matrix[j][k]`.
  @inline(__always)
  static func addProduct<Element: Real>(
    _ x: UnsafePointer<Element>, _ matrix: UnsafePointer<Element>, _ to: UnsafeMutablePointer<Element>,
    rows: Int, columns: Int
  ) {
    for row in 0..<rows { to[row] += dot(x, 1, matrix + row &* columns, columns) }
  }
}
