import Device
import ModelGraph
import Tensors

extension RNN: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try RNNProgram.build(recurrent, request) }
}

/// ONNX `RNN`: x, w, r, b, sequence_lens, initial_h. Results: y, y_h.
enum RNNProgram {
  static func build(_ recurrent: Recurrent, _ request: KernelRequest) throws -> Program? {
    let type = Conversion.realType(try request.operand(0).elementType)
    if let program = try Conversion.ifNeeded(
      request, operands: [0: type, 1: type, 2: type, 3: type, 5: type], results: [0: type, 1: type])
    {
      return program
    }
    let layer = try RecurrentLayer(recurrent, gates: RNN.gates, activations: RNN.defaultActivations, request)
    let errors = request.withoutElements
    func program<Element: Real>(_ type: Element.Type) -> Program {
      // The sums of one step, then h.
      let scratch = alignedScratch(2 * layer.hidden * MemoryLayout<Element>.size)
      return Program(name: "rnn", scratchBytes: scratch, isReference: true) { frame in
        let lengths = try layer.lengths(frame, errors)
        for direction in 0..<layer.directions {
          for batch in 0..<layer.batch {
            try run(type, layer, direction, batch, lengths[batch], frame)
          }
        }
      }
    }
    return type == .float64 ? program(Double.self) : program(Float.self)
  }

  /// One sequence in one direction.
  private static func run<Element: Real>(
    _ type: Element.Type, _ layer: RecurrentLayer, _ direction: Int, _ batch: Int, _ length: Int,
    _ frame: Frame
  ) throws {
    let hidden = layer.hidden
    let x = try frame.operand(0, as: type)
    let w = try frame.operand(1, as: type) + direction &* hidden &* layer.input
    let r = try frame.operand(2, as: type) + direction &* hidden &* hidden
    let bias = frame.optional(3, as: type).map { $0 + direction &* 2 &* hidden }
    let y = frame.optionalResult(0, as: type)
    let sums = try frame.scratch(as: type)
    let h = sums + hidden
    let state = layer.state(direction: direction, batch: batch) &* hidden
    LSTMProgram.load(frame.optional(5, as: type), state, h, hidden)
    let activate = layer.functions(direction, type)[0]
    let limit = layer.clip.map { Element($0) } ?? .infinity
    for step in 0..<layer.steps {
      let time = layer.isReversed(direction) && step < length ? length - 1 - step : step
      let place = layer.output(step: time, direction: direction, batch: batch) &* hidden
      if step >= length {
        y.map { ($0 + place).update(repeating: 0, count: hidden) }
        continue
      }
      for unit in 0..<hidden { sums[unit] = bias.map { $0[unit] + $0[hidden &+ unit] } ?? 0 }
      let row = x + layer.row(step: time, batch: batch) &* layer.input
      RecurrentLayer.addProduct(row, w, sums, rows: hidden, columns: layer.input)
      RecurrentLayer.addProduct(h, r, sums, rows: hidden, columns: hidden)
      for unit in 0..<hidden {
        h[unit] = activate(RealFunction.clip(sums[unit], from: -limit, to: limit))
      }
      y.map { ($0 + place).update(from: h, count: hidden) }
    }
    frame.optionalResult(1, as: type).map { ($0 + state).update(from: h, count: hidden) }
  }
}
