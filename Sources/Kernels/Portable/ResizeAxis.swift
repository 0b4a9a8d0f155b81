import ModelGraph

/// One axis that is resized: where in the operand each index of the result lies.
///
/// Positions are computed in `Float`, in the order that onnxruntime does it: nearest neighbours hang on the last bit.
struct ResizeAxis: Sendable {
  let input: Int
  let output: Int
  let scale: Float
  /// The length of the resized axis before it is cut to whole elements: a scale may ask for 3.2 of them, and the corners are
  /// aligned to those.
  var length: Float
  /// The part of the axis that is looked at, for `tfCropAndResize`.
  var region: (start: Float, end: Float) = (0, 1)
  let resize: Resize

  /// True when the axis stays as it is.
  var isIdentity: Bool { input == output && scale == 1 && resize.coordinates != .tfCropAndResize }

  func position(_ index: Int) -> Float {
    if scale == 1, resize.coordinates != .tfCropAndResize { return Float(index) }
    let (x, last) = (Float(index), Float(input - 1))
    switch resize.coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return output == 1 ? 0 : x * last / (length - 1)
    case .asymmetric: return x / scale
    case .halfPixelSymmetric:
      let adjustment = Float(output) / (scale * Float(input))
      let center = Float(input) / 2
      return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .tfCropAndResize:
      return output > 1
        ? region.start * last + x * (region.end - region.start) * last / Float(output - 1)
        : 0.5 * (region.start + region.end) * last
    }
  }

  /// True when the index lies outside the operand, where `tfCropAndResize` puts the extrapolation value.
  func isOutside(_ index: Int) -> Bool {
    guard resize.coordinates == .tfCropAndResize else { return false }
    let position = position(index)
    return !(position >= 0 && position <= Float(input - 1))
  }

  /// The element that is nearest to an index of the result.
  func nearest(_ index: Int) -> Int {
    let position = position(index)
    let rounded: Float
    switch resize.rounding {
    case .floor: rounded = position.rounded(.down)
    case .ceiling: rounded = position.rounded(.up)
    case .preferFloor:
      let below = position.rounded(.down)
      rounded = position == below + 0.5 ? below : position.rounded(.toNearestOrAwayFromZero)
    case .preferCeiling: rounded = position.rounded(.toNearestOrAwayFromZero)
    }
    return clamped(rounded)
  }

  /// Calls `body` with each element that an index of the result is the weighted sum of, and its weight.
  func forEachTap(_ index: Int, _ body: (_ index: Int, _ weight: Double) -> Void) {
    if resize.antialias, scale < 1 { return filter(index, body) }
    switch resize.mode {
    case .nearest: body(nearest(index), 1)
    case .linear:
      let position = min(max(position(index), 0), Float(input - 1))
      let first = clamped(position.rounded(.down))
      // The last element has no neighbour. Twice the same one, with a weight of 0, would make NaN of infinity.
      guard first + 1 < input else { return body(first, 1) }
      let weight = Double(position) - Double(first)
      body(first, 1 - weight)
      body(first + 1, weight)
    case .cubic:
      let position = position(index)
      let below = position.rounded(.down)
      let fraction = Double(position - below)
      weigh(from: Double(below) - 1, count: 4, normalising: resize.excludeOutside, body) {
        cubic($0 - Double(below) - fraction)
      }
    }
  }

  /// Smaller results average over as much of the operand as they stand for.
  private func filter(_ index: Int, _ body: (Int, Double) -> Void) {
    let center = Double(position(index))
    let stretch = 1 / Double(scale)
    let support = (resize.mode == .cubic ? 2 : 1) * stretch
    // A result of one element spans the axis, and a scale that was rounded twice as much. A filter reaches twice as far to
    // either side, and weighs the ends of the axis there: no more taps than that.
    let reach = 5 * Double(input) + 2
    let first = max((center - support).rounded(.up), -reach)
    let last = min((center + support).rounded(.down), Double(input) + reach)
    guard last >= first else { return }
    weigh(from: first, count: Int(last - first) + 1, normalising: true, body) { place in
      let distance = (place - center) / stretch
      return resize.mode == .cubic ? cubic(distance) : max(0, 1 - distance.magnitude)
    }
  }

  /// Elements outside the axis move to its ends, or are left out and the others make up for them.
  private func weigh(
    from first: Double, count: Int, normalising: Bool, _ body: (Int, Double) -> Void,
    by weight: (Double) -> Double
  ) {
    func forEach(_ visit: (Float, Double) -> Void) {
      for step in 0..<count {
        let place = first + Double(step)
        let isInside = Float(place) >= 0 && Float(place) <= Float(input - 1)
        if isInside || !resize.excludeOutside { visit(Float(place), weight(place)) }
      }
    }
    var sum = 0.0
    if normalising { forEach { sum += $1 } }
    let divisor = sum == 0 ? 1 : sum
    forEach { body(clamped($0), $1 / divisor) }
  }

  /// Keys' cubic kernel.
  private func cubic(_ distance: Double) -> Double {
    let (x, a) = (distance.magnitude, resize.cubicCoefficient)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }

  private func clamped(_ position: Float) -> Int {
    position >= 0 ? (position < Float(input) ? min(Int(position), input - 1) : input - 1) : 0
  }
}
