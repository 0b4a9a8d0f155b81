/// Lines of elements in a tensor.
struct TensorLines: Sendable {
  /// Neighbouring lines, and the distances of their first elements and of the first elements of so many lines.
  var neighbours: Int
  var neighbourStride: Int
  var outerStride: Int
  /// The distance of two elements of a line.
  var step: Int

  @inline(__always) func start(_ line: Int) -> Int {
    line / neighbours &* outerStride &+ line % neighbours &* neighbourStride
  }
}

/// Fourier transforms of many lines: the lines go into the lanes of one transform after the other.
struct FourierLines: Sendable {
  var plan: FourierPlan
  /// The number of lines.
  var count: Int
  var source: TensorLines
  var target: TensorLines
  /// Elements of a source line; beyond them are zeros.
  var given: Int
  /// Elements of a target line.
  var wanted: Int
  /// True if the source has real parts only.
  var isReal: Bool
  var inverse: Bool
  /// True if the source is the first half of the spectrum of a real signal, which is the result.
  var isHalf: Bool

  /// Lines of one transform: two real ones share a lane, as the real and the imaginary part.
  private var lanes: Int { isReal && !inverse || isHalf ? ComplexLanes.width : ComplexLanes.width / 2 }

  func run<Element: Real>(
    _ from: UnsafePointer<Element>, _ window: UnsafePointer<Element>?, _ to: UnsafeMutablePointer<Element>,
    _ work: UnsafeMutablePointer<ComplexLanes>, _ tables: UnsafeMutablePointer<Double>
  ) {
    for first in stride(from: 0, to: count, by: lanes) {
      let lines = first..<min(first &+ lanes, count)
      work.update(repeating: .zero, count: plan.length)
      let numbers = UnsafeMutableRawPointer(work).assumingMemoryBound(to: Double.self)
      for line in lines {
        let start = from + source.start(line)
        if isHalf {
          loadHalf(start, numbers, line &- first)
        } else {
          load(start, window, numbers, line &- first)
        }
      }
      let result = UnsafeMutableRawPointer(plan.transform(work, tables)).assumingMemoryBound(to: Double.self)
      for line in lines {
        let start = to + target.start(line)
        if isReal, !inverse {
          storeShared(result, line &- first, start)
        } else {
          store(result, line &- first, start)
        }
      }
    }
  }

  /// The places of a lane's real and imaginary parts; an inverse transform is one of exchanged parts.
  private func places(_ lane: Int) -> (real: Int, imaginary: Int) {
    inverse ? (lane &+ 4, lane) : (lane, lane &+ 4)
  }

  private func load<Element: Real>(
    _ line: UnsafePointer<Element>, _ window: UnsafePointer<Element>?,
    _ numbers: UnsafeMutablePointer<Double>, _ lane: Int
  ) {
    // A real line of a forward transform may be an imaginary part.
    let (real, imaginary) = isReal && !inverse ? (lane, lane) : places(lane)
    for index in 0..<min(given, plan.length) {
      let weight = window.map { $0[index].converted(to: Double.self) } ?? 1
      let (element, place) = (line + index &* source.step, index &* ComplexLanes.width)
      numbers[place &+ real] = element[0].converted(to: Double.self) * weight
      if !isReal { numbers[place &+ imaginary] = element[1].converted(to: Double.self) * weight }
    }
  }

  /// Adds a spectrum and its mirror image: of lines 4 and beyond times i, so that their signals become imaginary.
  private func loadHalf<Element: Real>(
    _ line: UnsafePointer<Element>, _ numbers: UnsafeMutablePointer<Double>, _ lane: Int
  ) {
    let (length, isTurned) = (plan.length, lane >= 4)
    let (realPlace, imaginaryPlace) = places(lane & 3)
    for index in 0..<min(given, length / 2 &+ 1) {
      let element = line + index &* source.step
      let real = element[0].converted(to: Double.self)
      let isOwnMirror = index == 0 || 2 &* index == length
      let imaginary = isReal || isOwnMirror ? 0 : element[1].converted(to: Double.self)
      let (a, b) = isTurned ? (-imaginary, real) : (real, imaginary)
      let place = index &* ComplexLanes.width
      numbers[place &+ realPlace] += a
      numbers[place &+ imaginaryPlace] += b
      if isOwnMirror { continue }
      let mirror = (length &- index) &* ComplexLanes.width
      numbers[mirror &+ realPlace] += isTurned ? -a : a
      numbers[mirror &+ imaginaryPlace] += isTurned ? b : -b
    }
  }

  private func store<Element: Real>(
    _ result: UnsafePointer<Double>, _ lane: Int, _ line: UnsafeMutablePointer<Element>
  ) {
    let scale = inverse ? 1 / Double(plan.length) : 1
    let (real, imaginary) = isHalf && lane >= 4 ? (places(lane & 3).imaginary, 0) : places(lane)
    for index in 0..<wanted {
      let (element, place) = (line + index &* target.step, index &* ComplexLanes.width)
      element[0] = Element(converting: result[place &+ real] * scale)
      if !isHalf { element[1] = Element(converting: result[place &+ imaginary] * scale) }
    }
  }

  /// Takes the spectrum of a real line out of one that it shares: the spectrum of a real signal is its own mirror image,
  /// conjugated, and that of an imaginary one the negative of it.
  private func storeShared<Element: Real>(
    _ result: UnsafePointer<Double>, _ slot: Int, _ line: UnsafeMutablePointer<Element>
  ) {
    let (real, other) = (slot, slot ^ 4)
    let sign: Double = slot < 4 ? 0.5 : -0.5
    for index in 0..<wanted {
      let place = index &* ComplexLanes.width
      let mirror = (index == 0 ? 0 : plan.length &- index) &* ComplexLanes.width
      let element = line + index &* target.step
      element[0] = Element(converting: 0.5 * (result[place &+ real] + result[mirror &+ real]))
      element[1] = Element(converting: sign * (result[place &+ other] - result[mirror &+ other]))
    }
  }
}
