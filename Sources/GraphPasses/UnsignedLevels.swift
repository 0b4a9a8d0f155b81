import ModelGraph
import Tensors

extension Pass {
  /// Makes `int8` activations `uint8`, which kernels multiply fastest: each level and each zero point grows by 128, and their
  /// differences stay.
  ///
  /// A value changes its type if a `Quantize` or a product of integers makes it, and only a `Dequantize` or products of integers
  /// read it.
  public static let unsignedLevels = Pass(name: "unsigned levels", kind: .simplification) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      guard let id = rewriter[index].outputs.first ?? nil, !rewriter.isGraphOutput(id),
        rewriter.type(id)?.elementType == .int8, rewriter.makesLevels(index), rewriter.readsLevels(of: id)
      else { return false }
      try rewriter.makeUnsigned(index, id)
      return true
    }
  }
}

extension Rewriter {
  /// Returns true if the node quantises with a zero point that is known.
  fileprivate func makesLevels(_ index: Int) -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty else { return false }
    if node.op.is(Quantize.self) { return isKnownZero(node, at: 2) }
    guard case .levels = IntegerProductNode(node)?.result else { return false }
    return isKnownZero(node, at: IntegerProductNode.Place.zero)
  }

  /// Returns true if every node that reads `id` subtracts a zero point that is known.
  fileprivate func readsLevels(of id: ValueID) -> Bool {
    let uses = uses(of: id)
    return !uses.isEmpty
      && uses.allSatisfy { index, operand in
        let node = self[index]
        let isReader = node.op.is(Dequantize.self) || IntegerProductNode(node) != nil
        return isReader && operand == 0 && isKnownZero(node, at: 2)
      }
  }

  private func isKnownZero(_ node: Node, at place: Int) -> Bool {
    guard place < node.operandCount, let id = node.inputs[place] else { return true }
    return tensor(id)?.elementType == .int8
  }

  fileprivate mutating func makeUnsigned(_ index: Int, _ id: ValueID) throws {
    for (reader, _) in uses(of: id) {
      var node = self[reader]
      try raiseZero(&node, at: 2)
      replace(reader, with: node)
    }
    var node = self[index]
    if let quantize = node.op.as(Quantize.self) {
      node.op = .quantize(axis: quantize.axis, to: .uint8)
      try raiseZero(&node, at: 2)
    } else if var product = IntegerProductNode(node), case .levels(let range) = product.result {
      product.result = .levels(
        QuantizedRange(isSigned: false, minimum: range.minimum + 128, maximum: range.maximum + 128))
      node = product.node
      try raiseZero(&node, at: IntegerProductNode.Place.zero)
    }
    replace(index, with: node)
    retype(id, as: ValueType(.uint8, type(id)?.dimensions))
  }

  /// Gives a node a zero point that is 128 larger, as `uint8`. One that is left out is 0, and has the shape of the scale.
  private mutating func raiseZero(_ node: inout Node, at place: Int) throws {
    let old = place < node.operandCount ? node.inputs[place] : nil
    let shape: Shape
    let zeros: [Int8]
    if let old, let tensor = tensor(old) {
      (shape, zeros) = (tensor.shape, try tensor.elements(as: Int8.self))
    } else {
      let isProduct = IntegerProductNode(node) != nil
      shape = isProduct ? .scalar : type(node.inputs[1])?.shape ?? .scalar
      zeros = [Int8](repeating: 0, count: shape.elementCount)
    }
    let raised = zeros.map { UInt8(bitPattern: $0) ^ 0x80 }
    let name = old.map { graph[$0].name } ?? "\(node.name)/zero"
    let id = addConstant("\(name)/unsigned", try Tensor(raised, shape: shape))
    while node.inputs.count <= place { node.inputs.append(nil) }
    node.inputs[place] = id
  }
}
