import Tensors

/// ONNX `STFT`: signal [batch, length, 1 or 2], step, window, frame length.
/// `https://onnx.ai/onnx/operators/onnx__STFT.html`
package struct ShortTimeFourierTransform: Operator {
  package static let name = "stft"
  package static let signature = Signature(
    .data("signal"), .shape("step"), .optional(.data("window")), .optional(.shape("length")))
  package static let family = OperatorFamily.linear
  package static let writesApart = true

  /// True if only the first half of each spectrum is computed.
  package var oneSided: Bool

  package static var coding: Coding<Self> { Coding(Self.init, \.oneSided) }

  package init(oneSided: Bool) { self.oneSided = oneSided }

  package var attributes: [PrintedAttribute] {
    oneSided ? [PrintedAttribute("spectrum", "one-sided")] : []
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.shortTimeFourier(self)] }

  // Rows are not independent: kernels transform two real lines as one complex line, so that a NaN of one reaches the other.

  /// About 5 n log₂ n a frame, of a length that is taken to be a thousand or so.
  package func multiplyAdds(_ sizes: NodeSizes) -> Double { sizes.resultElements * 25 }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1, 1, 1]), .integers([1]), .sizes([1]), .integers([1]), results: [1, 1, 1, 2])
  }
}

extension Op {
  package static func shortTimeFourierTransform(oneSided: Bool) -> Op {
    Op(ShortTimeFourierTransform(oneSided: oneSided))
  }
}

extension NodeTyping {
  fileprivate func shortTimeFourier(_ transform: ShortTimeFourierTransform) throws(GraphError) -> Fact? {
    try checkInteger(1, "step")
    try checkInteger(3, "frame length")
    try checkSameElementType([0, 2])
    guard let type = elementType(0) else { return nil }
    guard type.isFloatingPoint else { throw failure("its signal is \(type)") }
    guard let signal = dimensions(0) else { return Fact(type, [.unknown, .unknown, .unknown, .known(2)]) }
    guard signal.count == 3 else { throw failure("its signal has \(signal.count) axes, not 3") }
    try checkParts(signal)
    let step = try soleNumber(1, "step").dimension
    if let step = step.size, step < 1 { throw failure("its step is \(step)") }
    var length = has(3) ? try soleNumber(3, "frame length").dimension : has(2) ? .unknown : signal[1]
    if has(2), let window = dimensions(2) {
      guard window.count == 1 else { throw failure("its window has \(window.count) axes, not one") }
      length = try unified(window[0], length, "the lengths of window and frame")
    }
    if let length = length.size, length < 1 { throw failure("its frames have \(length) elements") }
    var frames = Dimension.unknown
    if let samples = signal[1].size, let length = length.size {
      guard length <= samples else { throw failure("its frames are longer than the signal") }
      if let step = step.size { frames = .known((samples - length) / step + 1) }
    }
    return Fact(
      type, [signal[0], frames, try spectrum(length, oneSided: transform.oneSided), .known(2)])
  }
}
