import ModelGraph
import Tensors

extension Pass {
  /// Looks levels up in a table of 256, where a graph dequantises one value, computes functions of each element, and quantises again.
  ///
  /// The table is what the graph's own nodes make of all 256 levels: constants are folded afterwards.
  public static let levelTables = Pass(name: "level tables", kind: .fusion) { graph, evaluator in
    // Without one, the table would be computed at every run.
    if evaluator == nil { return 0 }
    return try Rewriter.rewrite(&graph) { rewriter, index in
      guard rewriter.quantizer(index) != nil else { return false }
      return try rewriter.tabulate(index)
    }
  }
}

/// The nodes between levels and the levels that are made of them.
private struct LevelFunction {
  /// The levels that all of it depends on.
  var source: ValueID?
  /// Indices of the nodes, operands first.
  var nodes: [Int] = []
  var computesFloats = false
}

extension Rewriter {
  private static let maximumNodes = 24

  fileprivate mutating func tabulate(_ index: Int) throws -> Bool {
    var function = LevelFunction()
    guard collect(index, into: &function), function.computesFloats, let source = function.source,
      let type = type(source)?.elementType, let result = self[index].outputs.first ?? nil,
      // Constants may give the result more axes.
      let dimensions = self.type(result)?.dimensions, dimensions == self.type(source)?.dimensions
    else { return false }
    let name = self[index].name
    let bits = (0..<256).map { UInt8($0) }
    let shape = try Shape(checking: [256])
    let levels =
      try type == .int8
      ? Tensor(bits.map { Int8(bitPattern: $0) }, shape: shape) : Tensor(bits, shape: shape)
    var made = [source: addConstant("\(name)/levels", levels)]
    // The values that have an element for each level. Functions of constants alone have one.
    var varying: Set<ValueID> = [source]
    var copies: [Node] = []
    for position in function.nodes {
      var node = self[position]
      guard let old = node.outputs.first ?? nil else { return false }
      for (operand, id) in node.inputs.enumerated() {
        guard let id else { continue }
        if let copy = made[id] {
          node.inputs[operand] = copy
        } else if let constant = tensor(id), constant.shape.rank > 0, constant.shape.elementCount == 1 {
          // It must not give the result more axes.
          node.inputs[operand] = addConstant("\(name)/number", try constant.reshaped(to: .scalar))
        }
      }
      let isVarying = self[position].inputs.contains { $0.map(varying.contains) ?? false }
      if isVarying { varying.insert(old) }
      let new = addValue(
        "\(name)/table",
        type: ValueType(self.type(old)?.elementType ?? .float32, isVarying ? shape : .scalar))
      node.outputs = [new]
      node.name = "\(name)/table\(copies.count)"
      made[old] = new
      copies.append(node)
    }
    guard varying.contains(result), let table = made[result] else { return false }
    // A node that is put in comes behind those put in before it for the same place.
    for node in copies.reversed() { insert(node, before: index) }
    replace(
      index, with: Node(name: name, op: .levelTable, inputs: [source, table], outputs: self[index].outputs))
    return true
  }

  /// Collects the node at `index` and what it depends on, as far as the levels.
  /// - Returns: false if it depends on something else, or on more than one value.
  private func collect(_ index: Int, into function: inout LevelFunction) -> Bool {
    if function.nodes.contains(index) { return true }
    let node = self[index]
    guard function.nodes.count < Self.maximumNodes, node.postOps.isEmpty, node.outputs.count == 1 else {
      return false
    }
    let isArithmetic = node.op.is(Unary.self) || node.op.is(Binary.self)
    let isConversion = node.op.is(Quantize.self) || node.op.is(Dequantize.self)
    guard isArithmetic || isConversion || node.op.is(LevelTable.self) else { return false }
    for (operand, id) in node.inputs.enumerated() {
      guard let id else { continue }
      if let constant = tensor(id) {
        let isTable = node.op.is(LevelTable.self) && operand == 1
        guard isTable || constant.shape.elementCount == 1 else { return false }
        continue
      }
      guard operand == 0 || isArithmetic else { return false }
      let isLevels = type(id)?.elementType == .uint8 || type(id)?.elementType == .int8
      if isLevels, !(maker(of: id)?.node.op.is(LevelTable.self) ?? false) {
        guard function.source == nil || function.source == id else { return false }
        function.source = id
      } else {
        guard isLevels || type(id)?.elementType == .float32, let (maker, _) = maker(of: id),
          collect(maker, into: &function)
        else { return false }
      }
    }
    function.computesFloats = function.computesFloats || node.op.is(Dequantize.self)
    function.nodes.append(index)
    return true
  }
}
