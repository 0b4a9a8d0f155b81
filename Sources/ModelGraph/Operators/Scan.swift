import Tensors

/// ONNX `Scan` (from version 9 on): the states, the scanned values, then what the body captures. Body inputs: states, one
/// element of each scanned value, captures; its outputs: states, and elements of the collected values.
package struct Scan: LoopingOperator {
  package static let name = "scan"
  package static let signature = Signature(isVariadic: true, results: 0...Int.max)
  package static let family = OperatorFamily.control
  package static let takesSequences = true
  package static let resultSizesDependOnData = true

  package var body: Graph
  package var states: Int
  /// For each scanned value, and for each collected one: the axis along which its elements lie.
  package var inputAxes: [Int]
  package var outputAxes: [Int]
  /// For each of them: true if it is walked, or filled, from its end.
  package var reversedInputs: [Bool]
  package var reversedOutputs: [Bool]

  package var firstCapture: Int { states + inputAxes.count }
  package var firstCollected: Int { states }

  package static var coding: Coding<Self> {
    .nested(
      Self.init, \.body, \.states, \.inputAxes, \.outputAxes, \.reversedInputs, \.reversedOutputs)
  }

  package var attributes: [PrintedAttribute] {
    [PrintedAttribute("body", "'\(body.name)'"), PrintedAttribute("states", states)]
  }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard 0...body.inputs.count ~= states, inputAxes.count == reversedInputs.count,
      outputAxes.count == reversedOutputs.count,
      body.outputs.count == states + outputAxes.count, body.inputs.count >= firstCapture
    else { throw node.failure("its body '\(body.name)' does not fit its axes and states") }
    var length = Dimension.unknown
    var elements: [Fact?] = []
    for (position, axis) in inputAxes.enumerated() {
      guard let type = node.type(states + position), var dimensions = type.dimensions else {
        elements.append(node.type(states + position).map { Fact($0.elementType, nil) })
        continue
      }
      let axis = try node.normalized(axis, rank: dimensions.count)
      length = try node.unified(length, dimensions.remove(at: axis), "the lengths of what it scans")
      elements.append(Fact(type.elementType, dimensions))
    }
    let initial = (0..<states).map { node[$0] }
    let results = try node.bodyResults(of: self, initial + elements, carried: 0..<states, firstResult: 0)
    let final = zip(initial, results[..<states]).map { before, after in
      before.flatMap { before in after.map { Fact(before.joined(with: $0).type) } }
    }
    var collected: [Fact?] = []
    for (axis, fact) in zip(outputAxes, results[states...]) {
      if fact?.type.elementType == .sequence { throw node.failure("it collects sequences") }
      guard let fact, var dimensions = fact.type.dimensions else {
        collected.append(fact.map { Fact($0.type.elementType, nil) })
        continue
      }
      dimensions.insert(length, at: try node.normalized(axis, rank: dimensions.count + 1))
      collected.append(Fact(fact.type.elementType, dimensions))
    }
    return Array((final + collected).prefix(max(node.node.outputs.count, 0)))
  }
}

extension Op {
  /// - Parameters:
  ///   - inputs: for each scanned value, its axis, and whether it is walked from its end.
  ///   - outputs: the same for each collected value.
  package static func scan(
    body: Graph, states: Int, inputs: (axes: [Int], reversed: [Bool]),
    outputs: (axes: [Int], reversed: [Bool])
  ) -> Op {
    Op(
      Scan(
        body: body, states: states, inputAxes: inputs.axes, outputAxes: outputs.axes,
        reversedInputs: inputs.reversed, reversedOutputs: outputs.reversed))
  }
}
