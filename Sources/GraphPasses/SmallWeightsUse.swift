import ModelGraph
import Tensors

/// A node that can take its weight in a small form, provided that every node that reads the weight can.
struct SmallWeightsUse {
  let index: Int
  let node: Node
  let constant: ValueID
  let role: SmallWeightsRole
  private let tensor: Tensor

  var key: SmallWeightsKey { SmallWeightsKey(constant: constant, role: role) }

  /// - Returns: `nil` also where the weight would not take less: each role that it has needs a copy of its own.
  init?(_ rewriter: Rewriter, _ index: Int, _ form: WeightForm) {
    let node = rewriter[index]
    guard let (operand, role) = SmallWeightsUse.role(of: node, in: rewriter),
      let constant = node.inputs[operand], let tensor = rewriter.tensor(constant),
      tensor.byteCount >= SmallWeightsLimits.least, !rewriter.isGraphOutput(constant),
      let roles = SmallWeightsUse.roles(of: constant, in: rewriter),
      roles.count * form.elementType.bitWidth < tensor.elementType.bitWidth
    else { return nil }
    self.index = index
    self.node = node
    self.constant = constant
    self.role = role
    self.tensor = tensor
  }

  /// The roles of a constant; `nil` if a node reads it in another way.
  private static func roles(of constant: ValueID, in rewriter: Rewriter) -> Set<SmallWeightsRole>? {
    var roles: Set<SmallWeightsRole> = []
    for use in rewriter.uses(of: constant) {
      guard let found = role(of: rewriter[use.index], in: rewriter), found.operand == use.operand else {
        return nil
      }
      roles.insert(found.role)
    }
    return roles
  }

  /// The operand that may be small, and its role; `nil` if the node takes none.
  private static func role(of node: Node, in rewriter: Rewriter) -> (operand: Int, role: SmallWeightsRole)? {
    if let gather = node.op.as(Gather.self) {
      guard gather.axis == 0, node.postOps.isEmpty, let table = rewriter.type(node.inputs[0]),
        table.elementType == .float32, table.shape.map({ $0.rank >= 2 && $0.elementCount > 0 }) ?? false
      else { return nil }
      return (0, .rows)
    }
    guard node.inputs.count >= 2, node.outputs.count == 1, let x = rewriter.type(node.inputs[0]),
      x.elementType == .float32, let rank = x.rank, rank >= 1,
      let weights = rewriter.type(node.inputs[1]), weights.elementType == .float32,
      let shape = weights.shape, shape.elementCount > 0
    else { return nil }
    if let multiply = node.op.as(MatrixMultiply.self) {
      guard shape.rank == 2, !multiply.transposeA, multiply.alpha.isFinite,
        hasVectorBias(node, shape.dims[multiply.transposeB ? 0 : 1], rewriter)
      else { return nil }
      return (1, .product(transposed: multiply.transposeB, alpha: multiply.alpha))
    }
    guard let window = node.op.as(Convolution.self), window.groups == 1, rank == shape.rank,
      (3...5).contains(rank), hasVectorBias(node, shape.dims[0], rewriter)
    else { return nil }
    return (1, .convolution)
  }

  /// True if the node has no bias, or one of one axis with a number for each column.
  private static func hasVectorBias(_ node: Node, _ columns: Int, _ rewriter: Rewriter) -> Bool {
    guard let bias = bias(of: node) else { return true }
    return rewriter.type(bias)?.shape?.dims == [columns]
  }

  private static func bias(of node: Node) -> ValueID? { node.inputs.count > 2 ? node.inputs[2] : nil }

  /// Returns true if no weight changes in the small form.
  func isExact(as form: WeightForm) -> Bool {
    if case .product(_, let alpha) = role, alpha != 1 { return false }
    guard let floats = tensor.floats else { return false }
    switch form {
    case .float32: return true
    case .float16: return floats.allSatisfy { Float(Float16($0)) == $0 }
    case .bfloat16: return floats.allSatisfy { Float(BFloat16($0)) == $0 }
    case .int8: return false
    }
  }

  /// Adds the weight in the small form to the graph.
  func reduced(
    to form: WeightForm, in rewriter: inout Rewriter, _ report: inout SmallWeightsReport
  ) throws -> SmallConstants {
    let (small, block) = try reduced(to: form)
    let name = rewriter.graph[constant].name
    report.reduced += 1
    report.bytesBefore += tensor.byteCount
    report.bytesAfter += small.weights.byteCount + (small.scale?.byteCount ?? 0)
    return SmallConstants(
      weights: rewriter.addConstant("\(name).\(form.rawValue)", small.weights),
      scale: small.scale.map { rewriter.addConstant("\(name).scale", $0) }, block: block)
  }

  private func reduced(to form: WeightForm) throws -> (SmallTensors, block: Int) {
    let dims = tensor.shape.dims
    let floats = try tensor.elements(as: Float.self)
    switch role {
    case .rows: return (try rows(of: floats, as: form), 0)
    case .product(let isTransposed, let alpha):
      let (depth, columns) = isTransposed ? (dims[1], dims[0]) : (dims[0], dims[1])
      let matrix = WeightMatrix(
        outer: (1, 0), inner: (depth, isTransposed ? 1 : columns),
        columns: (columns, isTransposed ? depth : 1), factor: Float(alpha))
      let block = min(depth, SmallWeightsLimits.block)
      return (try panels(matrix, floats, form, block), block)
    case .convolution:
      let taps = dims.dropFirst(2).reduce(1, *)
      let matrix = WeightMatrix(
        outer: (taps, 1), inner: (dims[1], taps), columns: (dims[0], dims[1] * taps))
      return (try panels(matrix, floats, form, matrix.depth), matrix.depth)
    }
  }

  private func panels(
    _ matrix: WeightMatrix, _ floats: [Float], _ form: WeightForm, _ block: Int
  ) throws -> SmallTensors {
    try floats.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { throw SmallWeightsRefusal.notFinite }
      return try matrix.panels(of: base, as: form, block: block)
    }
  }

  /// A table in its own shape; of integers each row has a scale.
  private func rows(of floats: [Float], as form: WeightForm) throws -> SmallTensors {
    let count = tensor.shape.dims[0]
    let length = floats.count / count
    guard form == .int8 else {
      let bits = try floats.map { try form.bits($0) }
      let weights = try Tensor(elementType: form.elementType, shape: tensor.shape) { bytes in
        bits.withUnsafeBytes { bytes.copyMemory(from: $0) }
      }
      return SmallTensors(weights: weights)
    }
    var scales: [Float] = []
    var levels: [Int8] = []
    levels.reserveCapacity(floats.count)
    for row in 0..<count {
      let numbers = floats[row * length..<(row + 1) * length]
      let scale = try numbers.symmetricScale()
      scales.append(scale)
      levels += numbers.map { $0.level(of: scale) }
    }
    let shape = try Shape(checking: [count] + tensor.shape.dims.dropFirst().map { _ in 1 })
    return SmallTensors(
      weights: try Tensor(levels, shape: tensor.shape), scale: try Tensor(scales, shape: shape))
  }

  /// Puts the operator that takes the constants in the node's place.
  func rewrite(_ rewriter: inout Rewriter, _ constants: SmallConstants) {
    var small = node
    switch role {
    case .rows: return rewriteLookup(&rewriter, constants)
    case .product:
      guard let columns = columns else { return }
      small.op = .smallProduct(SmallProduct(columns: columns, block: constants.block))
    case .convolution:
      guard let window = node.op.as(Convolution.self) else { return }
      small.op = .smallConvolution(
        SmallConvolution(
          window: window, kernel: Array(tensor.shape.dims.dropFirst(2)), filters: tensor.shape.dims[0]))
    }
    small.inputs = [node.inputs[0], constants.weights, constants.scale, SmallWeightsUse.bias(of: node)]
    rewriter.replace(index, with: small)
  }

  private var columns: Int? {
    guard let multiply = node.op.as(MatrixMultiply.self) else { return nil }
    return tensor.shape.dims[multiply.transposeB ? 0 : 1]
  }

  /// The rows, then as floats, then times their scales.
  private func rewriteLookup(_ rewriter: inout Rewriter, _ constants: SmallConstants) {
    guard let result = node.outputs.first ?? nil else { return }
    let name = rewriter.graph[result].name
    var steps: [Node] = []
    // Of nodes that are put in at one place, the last comes first.
    defer { for step in steps.reversed() { rewriter.insert(step, before: index) } }
    func step(_ op: Op, _ inputs: [ValueID?], _ suffix: String, _ rewriter: inout Rewriter) -> ValueID {
      let id = rewriter.addValue("\(name).\(suffix)", type: nil)
      steps.append(Node(name: "\(node.name).\(suffix)", op: op, inputs: inputs, outputs: [id]))
      return id
    }
    let rows = step(node.op, [constants.weights, node.inputs[1]], "rows", &rewriter)
    guard let scale = constants.scale else {
      return rewriter.replace(
        index, with: Node(name: node.name, op: .cast(.float32), inputs: [rows], outputs: node.outputs))
    }
    let floats = step(.cast(.float32), [rows], "floats", &rewriter)
    let scales = step(node.op, [scale, node.inputs[1]], "scales", &rewriter)
    rewriter.replace(
      index,
      with: Node(
        name: node.name, op: .binary(.multiply), inputs: [floats, scales], outputs: node.outputs))
  }
}
