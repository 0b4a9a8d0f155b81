import ModelGraph

/// One axis that is resized: where in the operand each index of the result lies.
///
/// Positions are computed in `Float`, in the order that onnxruntime does it: nearest neighbours hang on the last bit.
struct ResizeAxis: Sendable {
  let input: Int
  let output: Int
  let scale: Float
  /// The part of the axis that is looked at, for `tfCropAndResize`.
  var region: (start: Float, end: Float) = (0, 1)
  let resize: Resize

  /// One element of the operand and its weight.
  struct Tap: Sendable {
    var index: Int
    var weight: Double
  }

  /// True when the axis stays as it is.
  var isIdentity: Bool { input == output && scale == 1 && resize.coordinates != .tfCropAndResize }

  func position(_ index: Int) -> Float {
    if scale == 1, resize.coordinates != .tfCropAndResize { return Float(index) }
    let (x, last) = (Float(index), Float(input - 1))
    switch resize.coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return output == 1 ? 0 : x * last / Float(output - 1)
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

  /// The elements that an index of the result is the weighted sum of.
  func taps(_ index: Int) -> [Tap] {
    if resize.antialias, scale < 1 { return filtered(index) }
    switch resize.mode {
    case .nearest: return [Tap(index: nearest(index), weight: 1)]
    case .linear:
      let position = min(max(position(index), 0), Float(input - 1))
      let first = clamped(position.rounded(.down))
      let weight = Double(position) - Double(first)
      return [Tap(index: first, weight: 1 - weight), Tap(index: min(first + 1, input - 1), weight: weight)]
    case .cubic:
      let position = position(index)
      let below = position.rounded(.down)
      let fraction = Double(position - below)
      return normalized((-1...2).map { (below + Float($0), cubic(Double($0) - fraction)) })
    }
  }

  /// Smaller results average over as much of the operand as they stand for.
  private func filtered(_ index: Int) -> [Tap] {
    let center = Double(position(index))
    let stretch = 1 / Double(scale)
    let support = (resize.mode == .cubic ? 2 : 1) * stretch
    // No more taps than the axis and the filter's feet outside it are long.
    let first = max((center - support).rounded(.up), -Double(input))
    let last = min((center + support).rounded(.down), 2 * Double(input))
    var taps: [(Float, Double)] = []
    var place = first
    while place <= last {
      let distance = (place - center) / stretch
      taps.append((Float(place), resize.mode == .cubic ? cubic(distance) : max(0, 1 - distance.magnitude)))
      place += 1
    }
    return normalized(taps, always: true)
  }

  /// Moves elements outside the axis to its ends, or leaves them out and lets the others make up for them.
  private func normalized(_ places: [(Float, Double)], always: Bool = false) -> [Tap] {
    var taps: [Tap] = []
    for (place, weight) in places {
      let isInside = place >= 0 && place <= Float(input - 1)
      if isInside || !resize.excludeOutside { taps.append(Tap(index: clamped(place), weight: weight)) }
    }
    let sum = taps.reduce(0) { $0 + $1.weight }
    guard always || resize.excludeOutside, sum != 0 else { return taps }
    return taps.map { Tap(index: $0.index, weight: $0.weight / sum) }
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
