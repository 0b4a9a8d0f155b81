/// ONNX `LSTM` and `GRU` with the default activations; anything else is refused when the model is read.
package struct Recurrent: Sendable, Hashable, Codable {
  package enum Direction: String, Sendable, Hashable, Codable, Packable {
    case forward, reverse, bidirectional
  }
  package var hiddenSize: Int
  package var direction: Direction
  /// Batch before time.
  package var batchFirst: Bool
  package var linearBeforeReset: Bool
  package var clip: Double?

  package init(
    hiddenSize: Int, direction: Direction, batchFirst: Bool = false, linearBeforeReset: Bool = false,
    clip: Double? = nil
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    self.batchFirst = batchFirst
    self.linearBeforeReset = linearBeforeReset
    self.clip = clip
  }
}

extension Recurrent {
  var printedAttributes: [PrintedAttribute] {
    [PrintedAttribute("hidden", hiddenSize), PrintedAttribute("direction", direction.rawValue)]
      + (batchFirst ? [PrintedAttribute("layout", "batch first")] : [])
  }

  /// The products of every step's input and state with the weights.
  func multiplyAdds(_ sizes: NodeSizes) -> Double {
    sizes.elements(0) / sizes.size(sizes.rank(0) - 1, of: 0) * (sizes.elements(1) + sizes.elements(2))
  }

  /// The same recurrence of one unit.
  var smallest: Recurrent {
    var smallest = self
    (smallest.hiddenSize, smallest.direction, smallest.batchFirst) = (1, .forward, false)
    return smallest
  }

  static func nominalShape(weights: [Int]) -> [Int]? { weights.count == 3 ? [16, 1, weights[2]] : nil }
}

extension Recurrent: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(hiddenSize)
    writer.write(direction)
    writer.write(batchFirst, linearBeforeReset)
    writer.write(clip)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self.init(
      hiddenSize: try reader.read(), direction: try reader.read(), batchFirst: try reader.read(),
      linearBeforeReset: try reader.read(), clip: try reader.read())
  }
}
