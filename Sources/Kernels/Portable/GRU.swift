import Device
import ModelGraph
import Tensors

extension GRU: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try GRUProgram.build(recurrent, request) }
}

/// ONNX `GRU`: x, w, r, b, sequence_lens, initial_h. Results: y, y_h. Gates: z, r, h.
enum GRUProgram {
  static func build(_ recurrent: Recurrent, _ request: KernelRequest) throws -> Program? {
    let type = Conversion.realType(try request.operand(0).elementType)
    if let program = try Conversion.ifNeeded(
      request, operands: [0: type, 1: type, 2: type, 3: type, 5: type], results: [0: type, 1: type])
    {
      return program
    }
    let layer = try RecurrentLayer(
      recurrent, gates: GRU.gates, activations: GRU.defaultActivations, request)
    let errors = request.withoutElements
    func program<Element: Real>(_ type: Element.Type) -> Program {
      // The gates of one step as the input and as the state feed them, then h.
      let scratch = alignedScratch((2 * layer.gates + layer.hidden) * MemoryLayout<Element>.size)
      return Program(name: "gru", scratchBytes: scratch, isReference: true) { frame in
        let lengths = try layer.lengths(frame, errors)
        for direction in 0..<layer.directions {
          for batch in 0..<layer.batch {
            try run(type, layer, recurrent.linearBeforeReset, direction, batch, lengths[batch], frame)
          }
        }
      }
    }
    return type == .float64 ? program(Double.self) : program(Float.self)
  }

  /// One sequence in one direction.
  private static func run<Element: Real>(
    _ type: Element.Type, _ layer: RecurrentLayer, _ linearBeforeReset: Bool, _ direction: Int, _ batch: Int,
    _ length: Int, _ frame: Frame
  ) throws {
    let (hidden, gateCount) = (layer.hidden, layer.gates)
    let x = try frame.operand(0, as: type)
    let w = try frame.operand(1, as: type) + direction &* gateCount &* layer.input
    let r = try frame.operand(2, as: type) + direction &* gateCount &* hidden
    let bias = frame.optional(3, as: type).map { $0 + direction &* 2 &* gateCount }
    let y = frame.optionalResult(0, as: type)
    let gates = try frame.scratch(as: type)
    let (fed, h) = (gates + gateCount, gates + 2 &* gateCount)
    let state = layer.state(direction: direction, batch: batch) &* hidden
    LSTMProgram.load(frame.optional(5, as: type), state, h, hidden)
    let functions = layer.functions(direction, type)
    let (gate, activate) = (functions[0], functions[1])
    let limit = layer.clip.map { Element($0) } ?? .infinity
    @inline(__always) func clipped(_ value: Element) -> Element {
      RealFunction.clip(value, from: -limit, to: limit)
    }
    for step in 0..<layer.steps {
      let time = layer.isReversed(direction) && step < length ? length - 1 - step : step
      let place = layer.output(step: time, direction: direction, batch: batch) &* hidden
      if step >= length {
        y.map { ($0 + place).update(repeating: 0, count: hidden) }
        continue
      }
      for row in 0..<gateCount {
        gates[row] = bias?[row] ?? 0
        fed[row] = bias?[gateCount &+ row] ?? 0
      }
      let row = x + layer.row(step: time, batch: batch) &* layer.input
      RecurrentLayer.addProduct(row, w, gates, rows: gateCount, columns: layer.input)
      let early = linearBeforeReset ? gateCount : 2 &* hidden
      RecurrentLayer.addProduct(h, r, fed, rows: early, columns: hidden)
      let (update, reset) = (gates, gates + hidden)
      for unit in 0..<hidden {
        update[unit] = gate(clipped(gates[unit] + fed[unit]))
        reset[unit] = gate(clipped(gates[hidden &+ unit] + fed[hidden &+ unit]))
      }
      if !linearBeforeReset {
        // The places of the gates that were fed are free: the state behind the reset gate goes there.
        for unit in 0..<hidden { fed[unit] = reset[unit] * h[unit] }
        RecurrentLayer.addProduct(
          fed, r + 2 &* hidden &* hidden, fed + 2 &* hidden, rows: hidden, columns: hidden)
      }
      for unit in 0..<hidden {
        let memory = fed[2 &* hidden &+ unit] * (linearBeforeReset ? reset[unit] : 1)
        let candidate = activate(clipped(gates[2 &* hidden &+ unit] + memory))
        h[unit] = (1 - update[unit]) * candidate + update[unit] * h[unit]
      }
      y.map { ($0 + place).update(from: h, count: hidden) }
    }
    frame.optionalResult(1, as: type).map { ($0 + state).update(from: h, count: hidden) }
  }
}
