/// The parameters of ONNX `RNN`, `LSTM` and `GRU`.
package struct Recurrent: Sendable, Hashable, Codable {
  package enum Direction: String, Sendable, Hashable, Codable, Packable {
    case forward, reverse, bidirectional
  }
  package var hiddenSize: Int
  package var direction: Direction
  /// Batch before time.
  package var batchFirst: Bool
  /// Of `GRU` alone: the reset gate scales the product of the state, not the state.
  package var linearBeforeReset: Bool
  package var clip: Double?
  /// The activations of the first direction, then those of the second; none for the operator's default ones.
  package var activations: [RecurrentActivation]
  /// Of `LSTM` alone: the forget gate is one minus the input gate.
  package var couplesForgetGate: Bool

  package init(
    hiddenSize: Int, direction: Direction, batchFirst: Bool = false, linearBeforeReset: Bool = false,
    clip: Double? = nil, activations: [RecurrentActivation] = [], couplesForgetGate: Bool = false
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    self.batchFirst = batchFirst
    self.linearBeforeReset = linearBeforeReset
    self.clip = clip
    self.activations = activations
    self.couplesForgetGate = couplesForgetGate
  }

  /// In JSON, default activations and an own forget gate may be left out.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      hiddenSize: try container.decode(Int.self, forKey: .hiddenSize),
      direction: try container.decode(Direction.self, forKey: .direction),
      batchFirst: try container.decode(Bool.self, forKey: .batchFirst),
      linearBeforeReset: try container.decode(Bool.self, forKey: .linearBeforeReset),
      clip: try container.decodeIfPresent(Double.self, forKey: .clip),
      activations: try container.decodeIfPresent([RecurrentActivation].self, forKey: .activations) ?? [],
      couplesForgetGate: try container.decodeIfPresent(Bool.self, forKey: .couplesForgetGate) ?? false)
  }
}

extension Recurrent {
  package var directions: Int { direction == .bidirectional ? 2 : 1 }

  var printedAttributes: [PrintedAttribute] {
    var printed = [
      PrintedAttribute("hidden", hiddenSize), PrintedAttribute("direction", direction.rawValue),
    ]
    if batchFirst { printed.append(PrintedAttribute("layout", "batch first")) }
    if !activations.isEmpty {
      let list = activations.map(\.description).joined(separator: ", ")
      printed.append(PrintedAttribute("activations", list))
    }
    if couplesForgetGate { printed.append(PrintedAttribute("forget", "1 - input")) }
    return printed
  }

  /// The same recurrence of one unit in one direction.
  var smallest: Recurrent {
    var smallest = self
    (smallest.hiddenSize, smallest.direction, smallest.batchFirst) = (1, .forward, false)
    smallest.activations = Array(activations.prefix(activations.count / directions))
    return smallest
  }
}

extension Recurrent: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(hiddenSize)
    writer.write(direction)
    writer.write(batchFirst, linearBeforeReset)
    writer.write(clip)
    writer.write(activations)
    writer.write(couplesForgetGate)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      hiddenSize: try reader.read(), direction: try reader.read(), batchFirst: try reader.read(),
      linearBeforeReset: try reader.read(), clip: try reader.read(), activations: try reader.read(),
      couplesForgetGate: try reader.read())
  }
}

extension Recurrent {
  /// The parts of a recurrence that wait for one another: at each step of each direction a product, and the gates.
  package func turns(_ sizes: NodeSizes) -> Double {
    2 * sizes.size(batchFirst ? 1 : 0, of: 0) * sizes.size(0, of: 1)
  }
}
