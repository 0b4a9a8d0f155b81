import Device
import ModelGraph
import Tensors

extension LSTM: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try LSTMProgram.build(recurrent, request) }
}

/// ONNX `LSTM`: x, w, r, b, sequence_lens, initial_h, initial_c, p. Results: y, y_h, y_c. Gates: i, o, f, c.
enum LSTMProgram {
  static func build(_ recurrent: Recurrent, _ request: KernelRequest) throws -> Program? {
    let type = Conversion.realType(try request.operand(0).elementType)
    let operands = [0, 1, 2, 3, 5, 6, 7]
    if let program = try Conversion.ifNeeded(
      request, operands: Dictionary(uniqueKeysWithValues: operands.map { ($0, type) }),
      results: [0: type, 1: type, 2: type])
    {
      return program
    }
    let layer = try RecurrentLayer(
      recurrent, gates: LSTM.gates, activations: LSTM.defaultActivations, request)
    if let peephole = request.optionalOperand(7) {
      try request.require(
        peephole.shape.dims == [layer.directions, 3 * layer.hidden],
        "the peepholes do not fit the hidden size")
    }
    let errors = request.withoutElements
    func program<Element: Real>(_ type: Element.Type) -> Program {
      // The gates of one step, then h and c.
      let scratch = alignedScratch((layer.gates + 2 * layer.hidden) * MemoryLayout<Element>.size)
      return Program(name: "lstm", scratchBytes: scratch, isReference: true) { frame in
        let lengths = try layer.lengths(frame, errors)
        for direction in 0..<layer.directions {
          for batch in 0..<layer.batch {
            try run(type, layer, recurrent.couplesForgetGate, direction, batch, lengths[batch], frame)
          }
        }
      }
    }
    return type == .float64 ? program(Double.self) : program(Float.self)
  }

  /// One sequence in one direction.
  private static func run<Element: Real>(
    _ type: Element.Type, _ layer: RecurrentLayer, _ couplesForgetGate: Bool, _ direction: Int, _ batch: Int,
    _ length: Int, _ frame: Frame
  ) throws {
    let (hidden, gateCount) = (layer.hidden, layer.gates)
    let x = try frame.operand(0, as: type)
    let w = try frame.operand(1, as: type) + direction &* gateCount &* layer.input
    let r = try frame.operand(2, as: type) + direction &* gateCount &* hidden
    let bias = frame.optional(3, as: type).map { $0 + direction &* 2 &* gateCount }
    let peephole = frame.optional(7, as: type).map { $0 + direction &* 3 &* hidden }
    let y = frame.optionalResult(0, as: type)
    let gates = try frame.scratch(as: type)
    let (h, c) = (gates + gateCount, gates + gateCount + hidden)
    let state = layer.state(direction: direction, batch: batch) &* hidden
    load(frame.optional(5, as: type), state, h, hidden)
    load(frame.optional(6, as: type), state, c, hidden)
    let functions = layer.functions(direction, type)
    let (gate, activate, output) = (functions[0], functions[1], functions[2])
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
      for row in 0..<gateCount { gates[row] = bias.map { $0[row] + $0[gateCount &+ row] } ?? 0 }
      let row = x + layer.row(step: time, batch: batch) &* layer.input
      RecurrentLayer.addProduct(row, w, gates, rows: gateCount, columns: layer.input)
      RecurrentLayer.addProduct(h, r, gates, rows: gateCount, columns: hidden)
      for unit in 0..<hidden {
        let (pi, po, pf) = (
          peephole?[unit] ?? 0, peephole?[hidden &+ unit] ?? 0, peephole?[2 &* hidden &+ unit] ?? 0
        )
        let i = gate(clipped(gates[unit] + pi * c[unit]))
        let f = couplesForgetGate ? 1 - i : gate(clipped(gates[2 &* hidden &+ unit] + pf * c[unit]))
        let candidate = activate(clipped(gates[3 &* hidden &+ unit]))
        c[unit] = f * c[unit] + i * candidate
        let o = gate(clipped(gates[hidden &+ unit] + po * c[unit]))
        h[unit] = o * output(c[unit])
      }
      y.map { ($0 + place).update(from: h, count: hidden) }
    }
    frame.optionalResult(1, as: type).map { ($0 + state).update(from: h, count: hidden) }
    frame.optionalResult(2, as: type).map { ($0 + state).update(from: c, count: hidden) }
  }

  /// Starts a state: as given, or with zeros.
  static func load<Element: Real>(
    _ initial: UnsafePointer<Element>?, _ offset: Int, _ state: UnsafeMutablePointer<Element>, _ count: Int
  ) {
    if let initial {
      state.update(from: initial + offset, count: count)
    } else {
      state.update(repeating: 0, count: count)
    }
  }
}
