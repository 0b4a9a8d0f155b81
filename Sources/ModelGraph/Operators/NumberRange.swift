import Tensors

/// ONNX `Range`.
package struct NumberRange: Operator {
  package static let name = "range"
  package static let signature = Signature(.shape("start"), .shape("limit"), .shape("delta"))
  package static let family = OperatorFamily.movement

  package static var coding: Coding<Self> { Coding(Self()) }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] { [try node.range()] }
}

extension Op {
  package static var range: Op { Op(NumberRange()) }
}

extension NodeTyping {
  /// max(⌈(limit − start) / delta⌉, 0) numbers.
  fileprivate func range() throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    for index in 0..<3 {
      if let count = try listCount(index), count != 1 {
        throw failure("operand \(index) is \(count) numbers")
      }
    }
    guard let type = elementType(0) ?? elementType(1) ?? elementType(2) else { return nil }
    guard let start = self[0]?.scalar, let limit = self[1]?.scalar, let delta = self[2]?.scalar else {
      return Fact(type, [.unknown])
    }
    if delta.number == 0 { throw failure("its step is 0") }
    if start.number == 0, delta.number == 1, case .symbol = limit { return Fact(type, [limit.dimension]) }
    if let start = start.integer, let limit = limit.integer, let delta = delta.integer {
      return try integerRange(type, from: start, to: limit, by: delta)
    }
    guard let start = start.number, let limit = limit.number, let delta = delta.number else {
      return Fact(type, [.unknown])
    }
    let steps = ((limit - start) / delta).rounded(.up)
    guard let count = Int(exactly: max(steps, 0)) else { throw failure("it has no end") }
    return Fact(type, [.known(count)])
  }

  fileprivate func integerRange(_ type: ElementType, from start: Int, to limit: Int, by delta: Int)
    throws(GraphError) -> Fact
  {
    let distance = limit.subtractingReportingOverflow(start)
    guard !distance.overflow, distance.partialValue != .min, delta != .min else {
      throw failure("it has no end")
    }
    let isForward = (distance.partialValue > 0) == (delta > 0) && distance.partialValue != 0
    let count = isForward ? (abs(distance.partialValue) - 1) / abs(delta) + 1 : 0
    let result = ValueType(type, [.known(count)])
    guard count <= Inference.maximumElements else { return Fact(result) }
    return Fact(result, elements: (0..<count).map { .integer(start + $0 * delta) })
  }
}
