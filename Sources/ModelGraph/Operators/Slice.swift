import Tensors

/// ONNX `Slice`.
package struct Slice: Operator {
  package static let name = "slice"
  package static let signature = Signature(
    .data("x"), .shape("starts"), .shape("ends"), .optional(.shape("axes")), .optional(.shape("steps")))
  package static let family = OperatorFamily.movement
  package static let isShapeArithmetic = true
  package static let sharesBytes = true
  package var reals: RealElements { .moved }

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.slice()] }

  package func keepsRows(_ rows: BatchRows) -> Bool {
    rows.isRows(0) && (1...4).allSatisfy { rows.isFixed($0) } && rows.areInner(axesIn: 3)
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(self, operands: operands, results: results)
      .with(.sizes([1]), .integers([0]), .integers([1]), .absent, .absent)
  }
}

extension Op {
  package static var slice: Op { Op(Slice()) }
}

extension NodeTyping {
  /// `https://onnx.ai/onnx/operators/onnx__Slice.html`: NumPy's rules, bounds are clamped.
  fileprivate func slice() throws(GraphError) -> Fact? {
    guard let operand = self[0] else { return nil }
    let type = operand.type.elementType
    guard let dimensions = operand.type.dimensions else { return Fact(type, nil) }
    for index in 1..<5 { try checkInteger(index, "bounds, axes or steps") }
    let counts = try (1..<5).map { index throws(GraphError) in has(index) ? try listCount(index) : nil }
    let listed = counts.compactMap { $0 }
    guard let count = listed.first, listed.allSatisfy({ $0 == count }) else {
      if !listed.isEmpty { throw failure("its lists have different lengths") }
      return Fact(type, [Dimension](repeating: .unknown, count: dimensions.count))
    }
    guard count <= dimensions.count else { throw failure("\(count) axes are sliced of \(dimensions.count)") }
    let axes: [Int]
    if has(3) {
      guard let given = try integers(3) else {
        return Fact(type, [Dimension](repeating: .unknown, count: dimensions.count))
      }
      axes = try normalized(given, rank: dimensions.count)
    } else {
      axes = Array(0..<count)
    }
    let open = [Scalar](repeating: .unknown, count: count)
    let starts = try list(1) ?? open
    let ends = try list(2) ?? open
    let steps = has(4) ? try list(4) ?? open : [Scalar](repeating: .integer(1), count: count)
    var cuts = dimensions.map { Cut(size: $0, start: 0, step: 1) }
    for (position, axis) in axes.enumerated() {
      if steps[position].integer == 0 { throw failure("a step is 0") }
      cuts[axis] = Cut(
        dimensions[axis], start: starts[position], end: ends[position], step: steps[position])
    }
    let result = cuts.map(\.size)
    return Fact(type, result, elements: elements(of: operand, cuts))
  }

  fileprivate func elements(of operand: Fact, _ cuts: [Cut]) -> [Scalar]? {
    guard let elements = operand.cheapElements, let shape = operand.type.shape else { return nil }
    let dims = cuts.compactMap(\.size.size)
    guard dims.count == cuts.count else { return nil }
    let own = shape.strides
    var strides: [Int] = []
    var offset = 0
    for (cut, stride) in zip(cuts, own) {
      // A step larger than the axis takes one element; nothing is multiplied by it then.
      strides.append(cut.size.size.map { $0 > 1 } == true ? stride * cut.step : 0)
      offset += stride * cut.start
    }
    return strided(elements, dims: dims, strides: strides, offset: offset)
  }
}

/// The part of one axis that a slice takes.
private struct Cut {
  var size: Dimension
  var start: Int
  var step: Int

  init(size: Dimension, start: Int, step: Int) {
    self.size = size
    self.start = start
    self.step = step
  }

  init(_ whole: Dimension, start: Scalar, end: Scalar, step: Scalar) {
    self.init(size: .unknown, start: 0, step: 1)
    guard let step = step.integer else { return }
    self.step = step
    guard let size = whole.size else {
      // Of a size that is not known, only the whole can be told: forwards or backwards.
      let reachesEnd = end.integer.map { $0 >= Int(Int32.max) } ?? (end != .unknown && end == Scalar(whole))
      let reachesStart = end.integer.map { $0 <= -Int(Int32.max) } ?? false
      if step == 1, start.integer == 0, reachesEnd { self.size = whole }
      if step == -1, start.integer == -1 || (start.integer ?? 0) >= Int(Int32.max), reachesStart {
        self.size = whole
      }
      if step == 1, let first = start.integer, let last = end.integer, first >= 0, last >= 0, last <= first {
        self.size = .known(0)
      }
      return
    }
    guard let first = start.integer, let last = end.integer else { return }
    // Negative bounds count from the end; then both are clamped to where a walk in this direction can be.
    func clamped(_ bound: Int, _ range: ClosedRange<Int>) -> Int {
      let index = bound < 0 ? bound + size : bound
      return min(max(index, range.lowerBound), range.upperBound)
    }
    let range = step > 0 ? 0...size : -1...max(size - 1, -1)
    let from = clamped(first, step > 0 ? range : 0...max(size - 1, 0))
    let to = clamped(last, range)
    let distance = step > 0 ? to - from : from - to
    let stride = step == .min ? Int.max : abs(step)
    let count = distance <= 0 || size == 0 ? 0 : (distance - 1) / stride + 1
    self.size = .known(count)
    self.start = count == 0 ? 0 : from
  }
}
