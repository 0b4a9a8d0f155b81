import Device
import ModelGraph
import Tensors

extension Pool: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try PoolProgram.build(self, request) }
}

/// ONNX `MaxPool`, `AveragePool` and the global ones. Results: y, and for the maximum its index in x.
enum PoolProgram {
  static func build(_ pool: Pool, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    if request.optionalResult(0) != nil { try request.requireSameType(0) }
    let isMaximum = pool.kind == .maximum
    guard let wide = Conversion.foldType(operand.elementType, ordered: true),
      isMaximum || operand.elementType.isFloatingPoint
    else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
      return program
    }
    let made = try request.optionalResult(0) ?? request.result(1)
    let (dims, result) = (operand.shape.dims, made.shape.dims)
    try request.require(dims.count >= 2 && result.count == dims.count, "an image is needed")
    try request.require(result.prefix(2) == dims.prefix(2), "pooling keeps images and channels")
    let axes: [WindowAxis]?
    if let size = pool.window {
      axes = try request.window(
        Array(dims[2...]), Array(result[2...]), size: size, strides: pool.strides, dilations: pool.dilations,
        padding: pool.padding)
    } else {
      try request.require(result[2...].allSatisfy { $0 == 1 }, "a global pool has one result a channel")
      let count = dims[2...].reduce(1, *)
      axes = [WindowAxis(), WindowAxis(), WindowAxis(input: count, output: 1, size: max(count, 1))]
    }
    guard let axes else { return nil }
    if let indices = request.optionalResult(1) {
      try request.require(
        pool.kind == .maximum && indices.elementType == .int64 && indices.shape.dims == result,
        "the indices should be int64, one for each maximum")
    }
    let planes = dims[0] * dims[1]
    if let window = pool.window,
      WidePoolProgram.suits(window, input: axes.map(\.input), output: axes.map(\.output))
    {
      let largest = axes.reduce(1.0) { $0 * Double(max($1.input, $1.output)) }
      try request.require(largest < 0x1p48, "the image is too large")
      return widePool(
        operand.elementType, pool.kind, axes, planes, withIndices: request.optionalResult(1) != nil)
    }
    switch operand.elementType {
    case .float32: return real(Float.self, pool.kind, axes, planes, isGlobal: pool.window == nil)
    case .float64: return real(Double.self, pool.kind, axes, planes, isGlobal: pool.window == nil)
    case .int64: return maximum(Int64.self, axes, planes)
    case .uint64: return maximum(UInt64.self, axes, planes)
    default: return nil
    }
  }

  private static func widePool(
    _ type: ElementType, _ kind: Pool.Kind, _ axes: [WindowAxis], _ planes: Int, withIndices: Bool
  ) -> Program? {
    func real<Element: Real>(_ type: Element.Type) -> Program {
      kind == .maximum
        ? WidePoolProgram.maximum(type, axes, planes, withIndices: withIndices)
        : WidePoolProgram.average(type, axes, planes, kind)
    }
    return switch type {
    case .float32: real(Float.self)
    case .float64: real(Double.self)
    case .int64: WidePoolProgram.maximum(Int64.self, axes, planes, withIndices: withIndices)
    case .uint64: WidePoolProgram.maximum(UInt64.self, axes, planes, withIndices: withIndices)
    default: nil
    }
  }

  private static func real<Element: Real>(
    _ type: Element.Type, _ kind: Pool.Kind, _ axes: [WindowAxis], _ planes: Int, isGlobal: Bool
  ) -> Program {
    kind == .maximum
      ? maximum(type, axes, planes, isGlobal: isGlobal)
      : average(type, axes, planes, kind)
  }

  /// - Parameter isGlobal: false: what is not a number is passed over, as in the reference implementation of ONNX;
  ///   true: it wins, as in a reduction.
  private static func maximum<Element: Number>(
    _ type: Element.Type, _ axes: [WindowAxis], _ planes: Int, isGlobal: Bool = false
  ) -> Program {
    let input = axes.reduce(1) { $0 * $1.input }
    return Program(name: "pool maximum") { frame in
      let source = try frame.operand(0, as: type)
      let target = frame.optionalResult(0, as: type)
      let indices = frame.optionalResult(1, as: Int64.self)
      forEachWindow(axes, planes) { plane, place, windows in
        let image = source + plane &* input
        var (best, index) = (Element.lowest, -1)
        forEachElement(axes, windows) { offset in
          let value = image[offset]
          let isNext = isGlobal ? value != value && best == best : best != best && value == value
          if index < 0 || value > best || isNext { (best, index) = (value, offset) }
        }
        target?[place] = best
        indices?[place] = Int64(plane &* input &+ max(index, 0))
      }
    }
  }

  private static func average<Element: Real>(
    _ type: Element.Type, _ axes: [WindowAxis], _ planes: Int, _ kind: Pool.Kind
  ) -> Program {
    let input = axes.reduce(1) { $0 * $1.input }
    let (isSum, includingPadding) = (kind == .sum, kind == .averageIncludingPadding)
    return Program(name: "pool \(kind)") { frame in
      let source = try frame.operand(0, as: type)
      let target = try frame.result(0, as: type)
      forEachWindow(axes, planes) { plane, place, windows in
        let image = source + plane &* input
        var sum = Element.zero
        forEachElement(axes, windows) { offset in sum += image[offset] }
        if isSum {
          target[place] = sum
          return
        }
        let count = { (window: Window) in includingPadding ? window.padded : window.taps.count }
        let divisor = count(windows.0) &* count(windows.1) &* count(windows.2)
        target[place] = divisor == 0 ? 0 : sum / Element(divisor)
      }
    }
  }

  private struct Window {
    var start: Int
    var taps: Range<Int>
    var padded: Int

    init(_ axis: WindowAxis, _ output: Int) {
      start = axis.start(output)
      taps = axis.taps(output)
      padded = axis.paddedTaps(output).count
    }
  }

  /// Calls `body` with every plane, the result's place and the window there.
  @inline(__always)
  private static func forEachWindow(
    _ axes: [WindowAxis], _ planes: Int, _ body: (Int, Int, (Window, Window, Window)) -> Void
  ) {
    var place = 0
    for plane in 0..<planes {
      for depth in 0..<axes[0].output {
        let first = Window(axes[0], depth)
        for row in 0..<axes[1].output {
          let second = Window(axes[1], row)
          for column in 0..<axes[2].output {
            body(plane, place, (first, second, Window(axes[2], column)))
            place &+= 1
          }
        }
      }
    }
  }

  /// Calls `body` with the offset in the plane of every element of the window that is inside the image.
  @inline(__always)
  private static func forEachElement(
    _ axes: [WindowAxis], _ windows: (Window, Window, Window), _ body: (Int) -> Void
  ) {
    for depth in windows.0.taps {
      let slab = (windows.0.start &+ depth &* axes[0].dilation) &* axes[1].input
      for row in windows.1.taps {
        let line = (slab &+ windows.1.start &+ row &* axes[1].dilation) &* axes[2].input
        for column in windows.2.taps {
          body(line &+ windows.2.start &+ column &* axes[2].dilation)
        }
      }
    }
  }
}
