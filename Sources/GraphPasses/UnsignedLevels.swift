import ModelGraph
import Tensors

extension Pass {
  /// Makes `int8` activations `uint8`, which kernels multiply fastest: each level and each zero point grows by 128, and their
  /// differences stay.
  ///
  /// A value changes its type if a `Quantize`, a product of integers or a function of levels makes it, and only such nodes and
  /// `Dequantize` read it.
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
    if node.op.isLevelFunction { return hasKnownParameters(node) }
    guard case .levels = IntegerProductNode(node)?.result else { return false }
    return isKnownZero(node, at: IntegerProductNode.Place.zero)
  }

  /// Returns true if every node that reads `id` subtracts a zero point that is known.
  fileprivate func readsLevels(of id: ValueID) -> Bool {
    let uses = uses(of: id)
    return !uses.isEmpty
      && uses.allSatisfy { index, operand in
        let node = self[index]
        if node.op.isLevelFunction {
          return node.postOps.isEmpty && hasKnownParameters(node)
            && (operand == 0 || node.op.is(LevelArithmetic.self))
        }
        let isReader = node.op.is(Dequantize.self) || IntegerProductNode(node) != nil
        return isReader && operand == 0 && isKnownZero(node, at: 2)
      }
  }

  /// Returns true if a function of levels has constants as its parameters.
  private func hasKnownParameters(_ node: Node) -> Bool {
    node.op.is(LevelArithmetic.self) || node.inputs.dropFirst().allSatisfy { tensor($0) != nil }
  }

  private func isKnownZero(_ node: Node, at place: Int) -> Bool {
    guard place < node.inputs.count, let id = node.inputs[place] else {
      // The one in its place gets the shape of the scale.
      return IntegerProductNode(node) != nil || type(node.inputs[1])?.shape != nil
    }
    return tensor(id)?.elementType == .int8
  }

  fileprivate mutating func makeUnsigned(_ index: Int, _ id: ValueID) throws {
    for (reader, operand) in uses(of: id) {
      var node = self[reader]
      if node.op.isLevelFunction {
        try raiseOperand(&node, operand)
      } else {
        try raiseZero(&node, at: 2)
      }
      replace(reader, with: node)
    }
    var node = self[index]
    if node.op.isLevelFunction { try raiseResult(&node) }
    if let quantize = node.op.as(Quantize.self) {
      node.op = .quantize(axis: quantize.axis, to: .uint8)
      try raiseZero(&node, at: 2)
    } else if var product = IntegerProductNode(node), case .levels(let range) = product.result {
      product.result = .levels(range.raised)
      node = product.node
      try raiseZero(&node, at: IntegerProductNode.Place.zero)
    }
    replace(index, with: node)
    retype(id, as: ValueType(.uint8, type(id)?.dimensions))
  }

  /// Gives a node a zero point that is 128 larger, as `uint8`. One that is left out is 0, and has the shape of the scale.
  private mutating func raiseZero(_ node: inout Node, at place: Int) throws {
    let old = place < node.inputs.count ? node.inputs[place] : nil
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

extension Op {
  /// True for functions of levels that give levels.
  fileprivate var isLevelFunction: Bool {
    self.is(LevelArithmetic.self) || self.is(LevelAffine.self) || self.is(LevelTable.self)
  }
}

extension QuantizedRange {
  /// The range of the same levels as `uint8`.
  fileprivate var raised: QuantizedRange {
    QuantizedRange(isSigned: false, minimum: minimum + 128, maximum: maximum + 128)
  }
}

extension Rewriter {
  /// Lets a function of levels read an operand whose levels are 128 larger.
  fileprivate mutating func raiseOperand(_ node: inout Node, _ operand: Int) throws {
    if var arithmetic = node.op.as(LevelArithmetic.self) {
      if operand == 0 { arithmetic.a.zero += 128 } else { arithmetic.b.zero += 128 }
      node.op = .levelArithmetic(arithmetic)
    } else if node.op.is(LevelAffine.self), let factor = tensor(node.inputs[1])?.floats,
      let shift = tensor(node.inputs[2])?.floats
    {
      let shifts = zip(factor, shift).map { Float(Double($1) - 128 * Double($0)) }
      node.inputs[2] = addConstant(
        "\(node.name)/shift", try Tensor(shifts, shape: Shape(checking: [shifts.count])))
    } else if let table = tensor(node.inputs[1]) {
      let turned = table.withUnsafeBytes { bytes in bytes.indices.map { bytes[$0 ^ 0x80] } }
      node.inputs[1] = try addTable(node, turned, of: table.elementType)
    }
  }

  /// Lets a function of levels give levels that are 128 larger, as `uint8`.
  fileprivate mutating func raiseResult(_ node: inout Node) throws {
    if var arithmetic = node.op.as(LevelArithmetic.self) {
      arithmetic.result.zero += 128
      arithmetic.range = arithmetic.range.raised
      node.op = .levelArithmetic(arithmetic)
    } else if let affine = node.op.as(LevelAffine.self) {
      node.op = .levelAffine(axis: affine.axis, zero: affine.zero + 128, range: affine.range.raised)
    } else if let table = tensor(node.inputs[1]) {
      let raised = table.withUnsafeBytes { bytes in bytes.map { $0 ^ 0x80 } }
      node.inputs[1] = try addTable(node, raised, of: .uint8)
    }
  }

  private mutating func addTable(_ node: Node, _ bytes: [UInt8], of type: ElementType) throws -> ValueID {
    let shape = try Shape(checking: [bytes.count])
    let table =
      try type == .int8
      ? Tensor(bytes.map { Int8(bitPattern: $0) }, shape: shape) : Tensor(bytes, shape: shape)
    return addConstant("\(node.name)/table", table)
  }
}
