import CElements
import Device
import ModelGraph
import Tensors

extension DynamicLSTM: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try DynamicLSTMProgram.build(recurrent, request)
  }
}

/// An LSTM of `int8` weights: x, w, r, b, sequence_lens, initial_h, initial_c, and the scales of w and r. Results: y, y_h, y_c.
struct DynamicLSTMProgram: Sendable {
  private let layer: RecurrentLayer
  /// Elements from one scale to the next, by direction and by row.
  private let scaleSteps: [(direction: Int, row: Int)]
  /// Bytes into the scratch memory.
  private let levels, products, state, sums, gates: Int
  private let scratchBytes: Int

  static func build(_ recurrent: Recurrent, _ request: KernelRequest) throws -> Program? {
    let program = try DynamicLSTMProgram(recurrent, request)
    let errors = request.withoutElements
    return Program(name: "lstm of integers", scratchBytes: program.scratchBytes) { frame in
      try program.run(frame, lengths: try program.layer.lengths(frame, errors))
    }
  }

  private init(_ recurrent: Recurrent, _ request: KernelRequest) throws {
    try request.require(DynamicLSTM.supports(recurrent), "this form is not computed with integers")
    for (index, type) in [(0, ElementType.float32), (1, .int8), (2, .int8), (7, .float32), (8, .float32)] {
      try request.require(
        try request.operand(index).elementType == type, "operand \(index) should be \(type)")
    }
    for index in [3, 5, 6] {
      let type = request.optionalOperand(index)?.elementType ?? .float32
      try request.require(type == .float32, "operand \(index) should be float32")
    }
    layer = try RecurrentLayer(
      recurrent, gates: LSTM.gates, activations: LSTM.defaultActivations, request)
    let (directions, rows) = (layer.directions, layer.gates)
    scaleSteps = try [7, 8].map { index in
      let count = try request.operand(index).shape.elementCount
      try request.require(
        count == directions || count == directions * rows, "operand \(index) has \(count) scales")
      return count == directions ? (1, 0) : (rows, 1)
    }
    let elements = try request.operand(0).shape.elementCount
    let vectors = layer.steps.multipliedReportingOverflow(by: layer.batch)
    let inputs = vectors.partialValue.multipliedReportingOverflow(by: rows)
    let bytes = inputs.partialValue.multipliedReportingOverflow(by: 4)
    try request.require(
      !vectors.overflow && !inputs.overflow && !bytes.overflow && bytes.partialValue < 1 << 40,
      "the gates are too large")
    levels = 0
    products = levels + alignedScratch(elements)
    // The levels of a state; h and c.
    state = products + alignedScratch(bytes.partialValue)
    sums = state + alignedScratch(layer.hidden) + alignedScratch(8 * layer.hidden)
    // The sums of the rows of w and r, and those of a step.
    gates = sums + 3 * alignedScratch(4 * rows)
    scratchBytes = gates + alignedScratch(4 * rows) + alignedScratch(max(layer.input, layer.hidden))
  }

  private func run(_ frame: Frame, lengths: [Int]) throws {
    let x = try frame.operand(0, as: Float.self)
    let levels = try frame.scratch(at: levels, as: UInt8.self)
    let vectors = layer.steps * layer.batch
    var (scale, zero) = (Float(1), UInt8(0))
    fi_levels_dynamic(x, levels, &scale, &zero, vectors * layer.input, 1)
    for direction in 0..<layer.directions {
      let w = try frame.operand(1, as: Int8.self) + direction * layer.gates * layer.input
      let products = try frame.scratch(at: products, as: Int32.self)
      let rowSums = try sums(frame, of: w, depth: layer.input, place: 0)
      fi_byte_products(levels, Int64(vectors), w, Int64(layer.gates), Int64(layer.input), products)
      let r = try frame.operand(2, as: Int8.self) + direction * layer.gates * layer.hidden
      let stateSums = try sums(frame, of: r, depth: layer.hidden, place: 1)
      for batch in 0..<layer.batch {
        try run(
          frame, direction, batch, lengths[batch], products, scale, zero, inputSums: rowSums, r, stateSums)
      }
    }
  }

  /// The sums of the rows of weights, which the zero point is multiplied with.
  private func sums(
    _ frame: Frame, of weights: UnsafePointer<Int8>, depth: Int, place: Int
  ) throws -> UnsafeMutablePointer<Int32> {
    let rows = layer.gates
    let ones = try frame.scratch(at: gates + alignedScratch(4 * rows), as: UInt8.self)
    ones.update(repeating: 1, count: depth)
    let found = try frame.scratch(at: sums + place * alignedScratch(4 * rows), as: Int32.self)
    fi_byte_products(ones, 1, weights, Int64(rows), Int64(depth), found)
    return found
  }

  /// One sequence in one direction.
  private func run(
    _ frame: Frame, _ direction: Int, _ batch: Int, _ length: Int, _ products: UnsafePointer<Int32>,
    _ inputScale: Float, _ inputZero: UInt8, inputSums: UnsafePointer<Int32>, _ r: UnsafePointer<Int8>,
    _ stateSums: UnsafePointer<Int32>
  ) throws {
    let (hidden, rows) = (layer.hidden, layer.gates)
    let bias = frame.optional(3, as: Float.self).map { $0 + direction * 2 * rows }
    let (stepW, stepR) = (scaleSteps[0], scaleSteps[1])
    let scaleW = try frame.operand(7, as: Float.self) + direction * stepW.direction
    let scaleR = try frame.operand(8, as: Float.self) + direction * stepR.direction
    let y = frame.optionalResult(0, as: Float.self)
    let quantised = try frame.scratch(at: state, as: UInt8.self)
    let h = try frame.scratch(at: state + alignedScratch(hidden), as: Float.self)
    let c = h + hidden
    let own = try frame.scratch(at: sums + 2 * alignedScratch(4 * rows), as: Int32.self)
    let gates = try frame.scratch(at: gates, as: Float.self)
    let start = layer.state(direction: direction, batch: batch) * hidden
    LSTMProgram.load(frame.optional(5, as: Float.self), start, h, hidden)
    LSTMProgram.load(frame.optional(6, as: Float.self), start, c, hidden)
    let zeroX = Int32(inputZero)
    for step in 0..<layer.steps {
      let time = layer.isReversed(direction) && step < length ? length - 1 - step : step
      let place = layer.output(step: time, direction: direction, batch: batch) * hidden
      if step >= length {
        y.map { ($0 + place).update(repeating: 0, count: hidden) }
        continue
      }
      var (scale, zero) = (Float(1), UInt8(0))
      fi_levels_dynamic(h, quantised, &scale, &zero, hidden, 1)
      fi_byte_products(quantised, 1, r, Int64(rows), Int64(hidden), own)
      let given = products + layer.row(step: time, batch: batch) * rows
      let zeroH = Int32(zero)
      for row in 0..<rows {
        let input = Float(given[row] &- zeroX &* inputSums[row]) * (inputScale * scaleW[row &* stepW.row])
        let state = Float(own[row] &- zeroH &* stateSums[row]) * (scale * scaleR[row &* stepR.row])
        gates[row] = input + state + (bias.map { $0[row] + $0[rows &+ row] } ?? 0)
      }
      fi_lstm_step(gates, c, h, hidden)
      y.map { ($0 + place).update(from: h, count: hidden) }
    }
    frame.optionalResult(1, as: Float.self).map { ($0 + start).update(from: h, count: hidden) }
    frame.optionalResult(2, as: Float.self).map { ($0 + start).update(from: c, count: hidden) }
  }
}
