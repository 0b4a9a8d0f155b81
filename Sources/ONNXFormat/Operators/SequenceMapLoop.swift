import ModelGraph

extension OperatorImport {
  /// A `SequenceMap` of a sequence that is known at run time, as ONNX defines it: a loop that takes an element of each sequence
  /// and puts what `body` makes of them behind the elements of its results.
  static func mappedByLoop(_ body: ONNXGraphProto, _ node: NodeImport) throws {
    let graph = node.graph
    func name(_ suffix: String) -> String { graph.unique("\(node.name)/\(suffix)") }
    var loop = ONNXGraphProto()
    loop.name = body.name
    loop.initializer = body.initializer
    loop.sparseInitializer = body.sparseInitializer
    let (number, goesOn, stays) = (name("number"), name("condition"), name("condition"))
    loop.input = [ONNXValueInfoProto(number), ONNXValueInfoProto(goesOn)]
    loop.node = [ONNXNodeProto("Identity", [goesOn], stays)]
    loop.output = [ONNXValueInfoProto(stays)]
    var first: String?
    for (index, input) in body.input.enumerated() {
      // Under a name of its own: the body may have a value of the operand's.
      let operand = name("operand")
      let isSequence = node.composite(index) != nil || node.isSequence(node.optional(index))
      graph.define(operand, as: isSequence ? try node.runTimeSequence(index) : try node.operand(index))
      if index == 0 {
        guard isSequence else { throw node.malformed("has no sequence as its first operand") }
        first = operand
      }
      loop.node.append(
        isSequence
          ? ONNXNodeProto("SequenceAt", [operand, number], input.name)
          : ONNXNodeProto("Identity", [operand], input.name))
    }
    loop.node += body.node
    var operands: [String] = []
    for output in body.output {
      let (before, after, empty) = (name("before"), name("after"), name("empty"))
      var carried = ONNXValueInfoProto(before)
      if case .tensorType(let tensor)? = output.type.value {
        carried.type.sequenceType.elemType.tensorType = tensor
      }
      loop.input.append(carried)
      loop.node.append(ONNXNodeProto("SequenceInsert", [before, output.name], after))
      loop.output.append(ONNXValueInfoProto(after))
      var made = ONNXNodeProto("SequenceEmpty", [], empty)
      made.attribute = [ONNXAttributeProto("dtype", Int64(output.type.tensorType.elemType))]
      try graph.read(made, name: empty)
      operands.append(empty)
    }
    let length = name("length")
    try graph.read(ONNXNodeProto("SequenceLength", [first ?? ""], length), name: length)
    var made = ONNXNodeProto("Loop", [length, ""] + operands, "")
    made.output = node.proto.output
    made.attribute = [ONNXAttributeProto("body", loop)]
    try graph.read(made, name: node.name)
  }
}

extension ONNXNodeProto {
  fileprivate init(_ type: String, _ inputs: [String], _ output: String) {
    self.init()
    opType = type
    input = inputs
    self.output = [output]
  }
}

extension ONNXValueInfoProto {
  fileprivate init(_ name: String) {
    self.init()
    self.name = name
  }
}

extension ONNXAttributeProto {
  fileprivate init(_ name: String, _ integer: Int64) {
    self.init()
    self.name = name
    type = .int
    i = integer
  }

  fileprivate init(_ name: String, _ graph: ONNXGraphProto) {
    self.init()
    self.name = name
    type = .graph
    g = graph
  }
}
