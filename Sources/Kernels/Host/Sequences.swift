import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html`
extension SequenceConstruct: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    if isAbsent { return CountedResults(listing: nil) }
    let arguments = HostOperands(self, operands)
    let elements = try operands.indices.map(arguments.operand)
    try arguments.requireListed(elements.count)
    for element in elements {
      try arguments.require(
        element.elementType == elements[0].elementType && element.elementType != .sequence,
        "has elements of \(elements[0].elementType) and of \(element.elementType)")
    }
    return CountedResults(listing: elements)
  }
}

/// `https://onnx.ai/onnx/operators/onnx__SequenceInsert.html`
extension SequenceInsert: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    var list = try operands.list(0)
    let x = try operands.operand(1)
    let type = list.first?.elementType ?? x.elementType
    try operands.require(
      x.elementType == type && type != .sequence, "has elements of \(type) and of \(x.elementType)")
    try operands.requireListed(list.count + 1)
    let position = try operands.position(2, in: -list.count..<list.count + 1, of: list)
    list.insert(x, at: position ?? list.count)
    return CountedResults(listing: list)
  }
}

/// `https://onnx.ai/onnx/operators/onnx__SequenceErase.html`
extension SequenceErase: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    var list = try operands.list(0)
    list.remove(at: try operands.element(1, of: list) ?? list.count - 1)
    return CountedResults(listing: list)
  }
}

/// `https://onnx.ai/onnx/operators/onnx__SequenceAt.html`
extension SequenceAt: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let list = try operands.list(0)
    return CountedResults(list[try operands.element(1, of: list) ?? 0])
  }
}

/// `https://onnx.ai/onnx/operators/onnx__SequenceLength.html`
extension SequenceLength: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let count = try HostOperands(self, operands).list(0).count
    return CountedResults(try Tensor([Int64(count)], shape: .scalar))
  }
}

/// `https://onnx.ai/onnx/operators/onnx__OptionalHasElement.html`
extension OptionalPresence: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let optional = try HostOperands(self, operands).operand(0, of: .sequence)
    return CountedResults(try Tensor([optional.list != nil], shape: .scalar))
  }
}

/// `https://onnx.ai/onnx/operators/onnx__OptionalGetElement.html`
extension OptionalValue: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    CountedResults(listing: try HostOperands(self, operands).list(0))
  }
}
