import Device
import ModelGraph
import Tensors

extension Reduce: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ReduceProgram.build(
      reduction, keepDimensions: keepDimensions, noopWithEmptyAxes: noopWithEmptyAxes, request)
  }
}

/// ONNX `Reduce…`: x, axes (optional).
enum ReduceProgram {
  static func build(
    _ reduction: Reduction, keepDimensions: Bool, noopWithEmptyAxes: Bool, _ request: KernelRequest
  ) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    if operand.shape.elementCount == 0, [.maximum, .minimum].contains(reduction) {
      return try ofNothing(reduction, keepDimensions: keepDimensions, noopWithEmptyAxes, request)
    }
    if operand.elementType.isInteger, [.l2, .logSum, .logSumExp].contains(reduction) {
      return try Conversion.ifNeeded(request, operands: [0: .float64], results: [0: .float64]) ?? nil
    }
    let isOrdered = [.maximum, .minimum, .mean, .l1].contains(reduction)
    guard let wide = Conversion.foldType(operand.elementType, ordered: isOrdered) else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
      return program
    }
    let deferred = try Deferred([try Parameter(request, 1)]) { values in
      var axes = values[0] ?? []
      if axes.isEmpty, !noopWithEmptyAxes { axes = Array(operand.shape.dims.indices) }
      let reduced = try request.axes(axes, rank: operand.shape.rank)
      return try ReducePlan(request, operand.shape, result.shape, reduced, keepDimensions)
    }
    // Two passes and a place for the largest elements.
    let scratch =
      reduction == .logSumExp
      ? alignedScratch(result.elementType.byteCount(of: result.shape.elementCount) ?? 0) : 0
    guard let body = body(reduction, deferred, result) else { return nil }
    return Program(name: "reduce \(reduction) \(result.elementType)", scratchBytes: scratch, body: body)
  }

  private static func body(
    _ reduction: Reduction, _ deferred: Deferred<Parameter, ReducePlan>, _ result: KernelRequest.ResultType
  ) -> Program.Body? {
    let count = result.shape.elementCount
    func integer<Element: Number & FixedWidthInteger>(_ type: Element.Type) -> Program.Body? {
      switch reduction {
      case .l2, .logSum, .logSumExp: nil
      default: { frame in try run(reduction, type, try deferred.plan(frame), frame, count) }
      }
    }
    func real<Element: Real>(_ type: Element.Type) -> Program.Body {
      { frame in
        let plan = try deferred.plan(frame)
        switch reduction {
        case .logSumExp: try logSumExp(type, plan, frame, count)
        case .l2:
          try run(.sumOfSquares, type, plan, frame, count)
          try finish(type, frame, count) { $0.squareRoot() }
        case .logSum:
          try run(.sum, type, plan, frame, count)
          try finish(type, frame, count) { Element.logarithm($0) }
        default: try run(reduction, type, plan, frame, count)
        }
      }
    }
    return switch result.elementType {
    case .float32: real(Float.self)
    case .float64: real(Double.self)
    case .int64: integer(Int64.self)
    case .uint64: integer(UInt64.self)
    default: nil
    }
  }

  /// The largest or smallest of no elements is what every element would replace: the end of the type's own range.
  private static func ofNothing(
    _ reduction: Reduction, keepDimensions: Bool, _ noopWithEmptyAxes: Bool, _ request: KernelRequest
  ) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    guard let extreme = TypeRange.end(of: operand.elementType, highest: reduction == .minimum) else {
      return nil
    }
    let deferred = try Deferred([try Parameter(request, 1)]) { values in
      var axes = values[0] ?? []
      if axes.isEmpty, !noopWithEmptyAxes { axes = Array(operand.shape.dims.indices) }
      let reduced = try request.axes(axes, rank: operand.shape.rank)
      return try ReducePlan(request, operand.shape, result.shape, reduced, keepDimensions)
    }
    return Program(name: "reduce \(reduction) of nothing") { frame in
      _ = try deferred.plan(frame)
      let target = try frame.result(0, as: UInt8.self)
      for place in 0..<result.shape.elementCount {
        (target + place * extreme.count).update(from: extreme, count: extreme.count)
      }
    }
  }

  private static func run<Element: Number>(
    _ reduction: Reduction, _ type: Element.Type, _ plan: ReducePlan, _ frame: Frame, _ count: Int
  ) throws {
    let source = plan.isEmpty ? nil : try frame.operand(0, as: type)
    let target = try frame.result(0, as: type)
    @inline(__always) func fold(_ start: Element, _ step: (Element, Element) -> Element) {
      foldInto(target, count, start, source, plan, { step($0, $1) }, { step($0, $1) })
    }
    switch reduction {
    case .sum, .mean, .logSum, .logSumExp: fold(Element.zero) { Element.sum($0, $1) }
    case .maximum: fold(Element.lowest) { Element.larger($0, $1) }
    case .minimum: fold(Element.highest) { Element.smaller($0, $1) }
    case .product: fold(Element.one) { Element.product($0, $1) }
    case .l1:
      foldInto(
        target, count, Element.zero, source, plan, { Element.sum($0, Element.absolute($1)) },
        { Element.sum($0, $1) })
    case .sumOfSquares, .l2:
      foldInto(
        target, count, Element.zero, source, plan, { Element.sum($0, Element.product($1, $1)) },
        { Element.sum($0, $1) })
    }
    if reduction == .mean {
      let divisor = Element(converting: Int64(plan.factor))
      try finish(type, frame, count) { Element.quotient($0, divisor) }
    }
  }

  private static func finish<Element: Number>(
    _ type: Element.Type, _ frame: Frame, _ count: Int, _ body: (Element) -> Element
  ) throws {
    let target = try frame.result(0, as: type)
    mapElements(type, target, target, count, body)
  }

  /// log Σ exp(x − m) + m, where m is the largest element: nothing overflows.
  private static func logSumExp<Element: Real>(
    _ type: Element.Type, _ plan: ReducePlan, _ frame: Frame, _ count: Int
  ) throws {
    try run(.maximum, type, plan, frame, count)
    let target = try frame.result(0, as: type)
    let largest = try frame.scratch(as: type)
    for index in 0..<count {
      largest[index] = target[index].isFinite ? target[index] : 0
      target[index] = 0
    }
    if !plan.isEmpty {
      let source = try frame.operand(0, as: type)
      plan.outer.forEach { offset in
        var (from, to) = (source + offset[1], offset[0])
        for _ in 0..<plan.count {
          target[to] += Element.exponential(from.pointee - largest[to])
          from += plan.step[1]
          to &+= plan.step[0]
        }
      }
    }
    for index in 0..<count { target[index] = Element.logarithm(target[index]) + largest[index] }
  }
}

/// The loops of a reduction: tensor 0 is the result, which does not move along reduced axes, tensor 1 the operand.
struct ReducePlan: Sendable {
  let outer: Walk
  let count: Int
  let step: SIMD4<Int>
  /// Elements that go into one element of the result.
  let factor: Int
  let isEmpty: Bool

  init(
    _ request: KernelRequest, _ shape: Shape, _ result: Shape, _ reduced: [Int], _ keepDimensions: Bool
  ) throws {
    var dims: [Int] = []
    var strides = [Int](repeating: 0, count: shape.rank)
    for (axis, dim) in shape.dims.enumerated() {
      if !reduced.contains(axis) { dims.append(dim) } else if keepDimensions { dims.append(1) }
    }
    try request.require(dims == result.dims, "the reduced shape is \(dims), not \(result.dims)")
    var stride = 1
    for axis in shape.dims.indices.reversed() where !reduced.contains(axis) {
      strides[axis] = stride
      stride *= max(shape.dims[axis], 1)
    }
    factor = reduced.reduce(1) { $0 * shape.dims[$1] }
    isEmpty = shape.elementCount == 0
    var walk = Walk(isEmpty ? [] : shape.dims, [strides, shape.strides])
    (count, step) = walk.removeInnermost()
    outer = walk
  }
}

/// Folds the operand into the result, which starts as `start`.
/// - Parameters:
///   - step: takes one more element in.
///   - join: puts two partial results together.
@inline(__always)
private func foldInto<Element: BitwiseCopyable>(
  _ target: UnsafeMutablePointer<Element>, _ count: Int, _ start: Element, _ source: UnsafePointer<Element>?,
  _ plan: ReducePlan, _ step: (Element, Element) -> Element, _ join: (Element, Element) -> Element
) {
  target.update(repeating: start, count: count)
  guard let source else { return }
  let columns = plan.count
  if plan.step[0] == 0 {
    // The row is reduced. Four partial results: rounding errors grow less, and the adds overlap.
    plan.outer.forEach { offset in
      let row = source + offset[1]
      var (a, b, c, d) = (start, start, start, start)
      var index = 0
      while index &+ 4 <= columns {
        a = step(a, row[index])
        b = step(b, row[index &+ 1])
        c = step(c, row[index &+ 2])
        d = step(d, row[index &+ 3])
        index &+= 4
      }
      while index < columns {
        a = step(a, row[index])
        index &+= 1
      }
      target[offset[0]] = join(target[offset[0]], join(join(a, b), join(c, d)))
    }
  } else {
    // The row is kept: one more row goes into a row of results.
    plan.outer.forEach { offset in
      let (row, results) = (source + offset[1], target + offset[0])
      var index = 0
      while index < columns {
        results[index] = step(results[index], row[index])
        index &+= 1
      }
    }
  }
}
