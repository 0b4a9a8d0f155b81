import ModelGraph
import Tensors

extension Pass {
  /// Computes functions of looked-up rows on the table they come from: once for each row that there is, when the model is
  /// compiled, in place of once for each row that is looked up.
  public static let tableFolding = Pass(name: "table folding", kind: .folding) { graph, evaluator in
    // Moved to a table that is not folded afterwards, the function would be computed for all rows at every run.
    if evaluator == nil { return 0 }
    return Rewriter.rewrite(&graph) { rewriter, index in rewriter.moveToTable(index) }
  }
}

extension Rewriter {
  /// Swaps a lookup and the function of its result.
  fileprivate mutating func moveToTable(_ index: Int) -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, node.outputs.count == 1, let (operand, rows) = lookedUp(by: node),
      let (_, gather) = maker(of: rows), let table = gather.inputs[0],
      let columns = tensor(table)?.shape.dims.last, let rank = type(rows)?.dimensions?.count
    else { return false }
    let others = node.inputs.indices.filter { $0 != operand }
    let parameters = others.map { parameter(node.inputs[$0], columns: columns, rank: rank) }
    guard parameters.allSatisfy({ $0 != nil }) else { return false }
    let name = "\(node.name).table"
    let result = addValue(name, type: type(table))
    var computed = node
    computed.name = name
    computed.inputs[operand] = table
    for case let (position, tensor?) in zip(others, parameters) {
      computed.inputs[position] = addConstant("\(name).parameter", tensor)
    }
    computed.outputs = [result]
    insert(computed, before: index)
    var lookup = gather
    lookup.name = node.name
    lookup.inputs[0] = result
    lookup.outputs = node.outputs
    replace(index, with: lookup)
    return true
  }

  /// The operand of an element-wise node that is rows of a table of numbers that only it looks up.
  private func lookedUp(by node: Node) -> (operand: Int, rows: ValueID)? {
    if let function = node.op.as(Binary.self)?.function {
      guard [.add, .subtract, .multiply, .divide].contains(function) else { return nil }
    } else if !node.op.is(Unary.self) {
      return nil
    }
    for case let (operand, rows?) in node.inputs.enumerated() {
      guard let (_, gather) = maker(of: rows), gather.op == .gather(axis: 0), gather.postOps.isEmpty,
        isReadOnce(rows), let table = gather.inputs[0], isReadOnce(table), let tensor = tensor(table),
        tensor.elementType == .float32, tensor.shape.rank == 2, tensor.byteCount <= FoldingLimits.result
      else { continue }
      return (operand, rows)
    }
    return nil
  }

  /// The elements of the constant `id`, one for each column or one for all; `nil` where they differ from row to row, or
  /// give the result another shape than the rows have.
  private func parameter(_ id: ValueID?, columns: Int, rank: Int) -> Tensor? {
    guard let tensor = tensor(id), tensor.elementType == .float32, tensor.shape.rank <= rank else {
      return nil
    }
    let dims = tensor.shape.dims
    guard dims.dropLast().allSatisfy({ $0 == 1 }), [1, columns].contains(dims.last ?? 1) else { return nil }
    return try? tensor.reshaped(to: [dims.last ?? 1])
  }
}
