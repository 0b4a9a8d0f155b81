import Device
import ModelGraph
import Tensors

/// Pools whose windows hold many elements, in time that grows with the logarithm of the window's size: one axis after the
/// other, and along an axis the windows of 1, 2, 4, … taps, each made of two of the size before.
enum WidePoolProgram {
  /// The visits of each element, and the taps of a window, from which on this is faster than to visit every tap.
  private static let (visits, taps) = (64.0, 1024.0)

  /// True when the windows hold so many elements.
  static func suits(_ window: [Int], input: [Int], output: [Int]) -> Bool {
    func product(_ numbers: [Int]) -> Double { numbers.reduce(1) { $0 * Double($1) } }
    let size = product(window)
    return size >= taps && size * product(output) >= visits * product(input)
  }

  /// The largest element of each window, and its index where that is asked for. NaN is passed over.
  static func maximum<Element: Number>(
    _ type: Element.Type, _ axes: [WindowAxis], _ planes: Int, withIndices: Bool
  ) -> Program {
    let passes = Passes(axes)
    guard withIndices else {
      return Program(name: "pool maximum by axes", scratchBytes: passes.scratchBytes(type)) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        let scratch = try frame.scratch(as: type)
        for plane in 0..<planes {
          scratch.update(from: source + plane &* passes.input, count: passes.input)
          let pooled = passes.run(scratch, none: Element.lowest, adding: false) { a, b in
            b > a || a != a ? b : a
          }
          (target + plane &* passes.output).update(from: pooled, count: passes.output)
        }
      }
    }
    typealias Found = Place<Element>
    return Program(name: "pool maximum by axes", scratchBytes: passes.scratchBytes(Found.self)) { frame in
      let (source, target) = (try frame.operand(0, as: type), frame.optionalResult(0, as: type))
      let indices = try frame.result(1, as: Int64.self)
      let scratch = try frame.scratch(as: Found.self)
      for plane in 0..<planes {
        for index in 0..<passes.input {
          (scratch + index).initialize(to: Found(value: source[plane &* passes.input &+ index], index: index))
        }
        let pooled = passes.run(scratch, none: Found(value: Element.lowest, index: 0), adding: false) {
          a, b in
          b.value > a.value || a.value != a.value && b.value == b.value ? b : a
        }
        for index in 0..<passes.output {
          let place = plane &* passes.output &+ index
          target?[place] = pooled[index].value
          indices[place] = Int64(plane &* passes.input &+ pooled[index].index)
        }
      }
    }
  }

  /// The mean of each window, or the sum.
  static func average<Element: Real>(
    _ type: Element.Type, _ axes: [WindowAxis], _ planes: Int, _ kind: Pool.Kind
  ) -> Program {
    let passes = Passes(axes)
    let counts = axes.map { axis in
      (0..<axis.output).map { place in
        switch kind {
        case .sum: 1
        case .averageIncludingPadding: axis.paddedTaps(place).count
        case .average, .maximum: axis.taps(place).count
        }
      }
    }
    let footprint = counts.reduce(0) { $0 + $1.count * MemoryLayout<Int>.stride }
    return Program(
      name: "pool \(kind) by axes", scratchBytes: passes.scratchBytes(type), footprint: footprint
    ) { frame in
      let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
      let scratch = try frame.scratch(as: type)
      for plane in 0..<planes {
        scratch.update(from: source + plane &* passes.input, count: passes.input)
        let pooled = passes.run(scratch, none: Element.zero, adding: true) { $0 + $1 }
        var place = 0
        for depth in counts[0] {
          for row in counts[1] {
            for column in counts[2] {
              let divisor = depth &* row &* column
              target[plane &* passes.output &+ place] = divisor == 0 ? 0 : pooled[place] / Element(divisor)
              place &+= 1
            }
          }
        }
      }
    }
  }
}

/// An element and where in its plane it is.
private struct Place<Element: Number>: BitwiseCopyable {
  var value: Element
  var index: Int
}

/// The passes of one plane: along the last axis, the middle one, the first one.
private struct Passes: Sendable {
  let axes: [WindowAxis]
  let input: Int
  let output: Int
  /// The most values that a plane has before, between and after the passes.
  private let largest: Int
  private let longest: Int
  /// Columns of an axis that are pooled side by side.
  private static let columns = 16

  init(_ axes: [WindowAxis]) {
    self.axes = axes
    input = axes.reduce(1) { $0 * $1.input }
    output = axes.reduce(1) { $0 * $1.output }
    let (a, b, c) = (axes[0], axes[1], axes[2])
    largest = max(input, a.input * b.input * c.output, a.input * b.output * c.output, output)
    longest = axes.reduce(0) { max($0, $1.input) }
  }

  /// Two planes, and the columns of one axis.
  func scratchBytes<Value>(_ type: Value.Type) -> Int {
    alignedScratch((2 * largest + longest * Self.columns) * MemoryLayout<Value>.stride)
  }

  /// Pools the plane that `scratch` starts with.
  ///
  /// - Parameters:
  ///   - none: the value of a window without elements.
  ///   - adding: true when no element may be joined twice.
  ///   - join: of two values, the first of which is nearer to the start of the axis.
  @inline(__always)
  func run<Value: BitwiseCopyable>(
    _ scratch: UnsafeMutablePointer<Value>, none: Value, adding: Bool, _ join: (Value, Value) -> Value
  ) -> UnsafeMutablePointer<Value> {
    var (from, to) = (scratch, scratch + largest)
    let buffer = scratch + 2 &* largest
    for number in [2, 1, 0] {
      let outer = axes[..<number].reduce(1) { $0 * $1.input }
      let inner = axes[(number + 1)...].reduce(1) { $0 * $1.output }
      let axis = axes[number]
      for line in 0..<outer {
        let (source, target) = (from + line &* axis.input &* inner, to + line &* axis.output &* inner)
        for first in stride(from: 0, to: inner, by: Self.columns) {
          pool(
            source + first, target + first, axis, inner: inner, columns: min(Self.columns, inner &- first),
            buffer, none: none, adding: adding, join)
        }
      }
      swap(&from, &to)
    }
    return from
  }

  /// Pools some columns along an axis.
  @inline(__always)
  private func pool<Value: BitwiseCopyable>(
    _ source: UnsafeMutablePointer<Value>, _ target: UnsafeMutablePointer<Value>, _ axis: WindowAxis,
    inner: Int, columns: Int, _ buffer: UnsafeMutablePointer<Value>, none: Value, adding: Bool,
    _ join: (Value, Value) -> Value
  ) {
    var most = 0
    for place in 0..<axis.input {
      (buffer + place &* columns).update(from: source + place &* inner, count: columns)
    }
    for place in 0..<axis.output {
      most = max(most, axis.taps(place).count)
      (target + place &* inner).update(repeating: none, count: columns)
    }
    // `buffer` holds windows of `size` taps, wherever so many fit.
    var size = 1
    while size <= most {
      for place in 0..<axis.output {
        let taps = axis.taps(place)
        let result = target + place &* inner
        let start = axis.start(place) &+ taps.lowerBound &* axis.dilation
        if adding {
          guard taps.count & size != 0 else { continue }
          let part = buffer + (start &+ (taps.count & (size &- 1)) &* axis.dilation) &* columns
          for column in 0..<columns { result[column] = join(result[column], part[column]) }
        } else {
          guard taps.count >= size, taps.count &- size < size else { continue }
          let head = buffer + start &* columns
          let tail = head + (taps.count &- size) &* axis.dilation &* columns
          for column in 0..<columns { result[column] = join(head[column], tail[column]) }
        }
      }
      let distance = size &* axis.dilation
      size &*= 2
      guard size <= most else { break }
      for index in 0..<(axis.input &- distance) &* columns {
        buffer[index] = join(buffer[index], buffer[index &+ distance &* columns])
      }
    }
  }
}
