import ModelGraph
import Tensors

extension Pass {
  /// Looks rows of a table up where a product with a one-hot matrix picks them: `OneHot(i, n) · W`, and what exporters
  /// write in its place, `Cast(i == [0, …, n − 1]) · W`.
  ///
  /// An index that is out of range picks nothing: rows of zeros around the table answer for those, and in front of an
  /// ONNX `OneHot`'s the table stands once more, for its negative indices.
  public static let oneHotProducts = Pass(name: "one-hot products", kind: .simplification) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in try rewriter.lookUpProduct(index) }
  }
}

/// A one-hot matrix before it was made.
private struct OneHotMatrix {
  var indices: ValueID
  var elementType: ElementType
  /// True when indices from −n to −1 count from the end.
  var wraps: Bool
  /// True when the indices have an axis of one element behind.
  var hasColumn: Bool
}

extension Rewriter {
  /// Rows that a table may have beside zeros for its copy to be worth what it takes.
  private static let mostRows = 1 << 16

  fileprivate mutating func lookUpProduct(_ index: Int) throws -> Bool {
    let node = self[index]
    guard let multiply = node.op.as(MatrixMultiply.self), !multiply.transposeA, !multiply.transposeB,
      multiply.alpha == 1, node.postOps.isEmpty, node.inputs.count == 2 || node.inputs[2] == nil,
      let weightsID = node.inputs[1], isReadOnce(weightsID), let table = tensor(weightsID),
      table.elementType == .float32, table.shape.rank == 2,
      // The rows may be there twice.
      2 * table.byteCount <= FoldingLimits.result,
      case let (rows, columns) = (table.shape.dims[0], table.shape.dims[1]),
      (1...Self.mostRows).contains(rows), let matrix = oneHotMatrix(node.inputs[0], rows: rows),
      // A product with infinity is not nothing where the one-hot matrix is zero.
      let weights = table.floats, weights.allSatisfy(\.isFinite)
    else { return false }
    let zeros = [Float](repeating: 0, count: columns)
    let padded = zeros + (matrix.wraps ? weights + weights : weights) + zeros
    let first = matrix.wraps ? -rows - 1 : -1
    let shape = try Shape(checking: [rows - first + 1, columns])
    let lookedUp = addConstant("\(node.name).table", try Tensor(padded, shape: shape))
    let row = try rowNumber(matrix, from: first, to: rows, for: node.name, before: index)
    var gather = node
    gather.op = .gather(axis: 0)
    gather.inputs = [lookedUp, row]
    replace(index, with: gather)
    return true
  }

  /// The indices brought between `first` and `last`, less `first`: never out of the table, and never out of their type.
  private mutating func rowNumber(
    _ matrix: OneHotMatrix, from first: Int, to last: Int, for name: String, before index: Int
  ) throws -> ValueID {
    var steps: [(op: Op, what: String, operand: ValueID)] = []
    if matrix.hasColumn {
      let axes = addConstant("\(name).axes", try Tensor([Int64(-1)], shape: [1]))
      steps.append((.squeeze, "indices", axes))
    }
    for (function, what, number) in [
      (BinaryFunction.maximum, "above", first), (.minimum, "below", last), (.add, "row", -first),
    ] {
      let tensor =
        matrix.elementType == .int32
        ? try Tensor([Int32(number)], shape: .scalar) : try Tensor([Int64(number)], shape: .scalar)
      steps.append((.binary(function), what, addConstant("\(name).\(what)", tensor)))
    }
    var row = matrix.indices
    var nodes: [Node] = []
    for step in steps {
      let result = addValue("\(name).\(step.what)", type: nil)
      nodes.append(
        Node(name: "\(name).\(step.what)", op: step.op, inputs: [row, step.operand], outputs: [result]))
      row = result
    }
    // Nodes inserted last come first.
    for node in nodes.reversed() { insert(node, before: index) }
    return row
  }

  /// Returns the parts that make the one-hot matrix `id` with `rows` columns, or `nil` if `id` is something
  /// else.
  private func oneHotMatrix(_ id: ValueID?, rows: Int) -> OneHotMatrix? {
    guard let rank = type(id)?.dimensions?.count, let (_, node) = maker(of: id), node.postOps.isEmpty else {
      return nil
    }
    if let axis = node.op.as(OneHot.self)?.axis {
      guard axis == -1 || axis == rank - 1, let values = tensor(node.inputs[2])?.floats, values == [0, 1],
        let depth = tensor(node.inputs[1])?.integers, depth == [rows]
      else { return nil }
      return matrix(node.inputs[0], wraps: true, hasColumn: false)
    }
    guard node.op == .cast(.float32), let (_, equal) = maker(of: node.inputs[0]), equal.op == .binary(.equal),
      equal.postOps.isEmpty
    else { return nil }
    for (indices, numbers) in [(equal.inputs[0], equal.inputs[1]), (equal.inputs[1], equal.inputs[0])] {
      guard let numbers = tensor(numbers), numbers.shape.elementCount == rows,
        numbers.shape.dims.last == rows, numbers.integers == Array(0..<rows),
        let dimensions = type(indices)?.dimensions, dimensions.count == rank, dimensions.last == .known(1)
      else { continue }
      return matrix(indices, wraps: false, hasColumn: true)
    }
    return nil
  }

  private func matrix(_ indices: ValueID?, wraps: Bool, hasColumn: Bool) -> OneHotMatrix? {
    guard let indices, let type = type(indices)?.elementType, type == .int32 || type == .int64 else {
      return nil
    }
    return OneHotMatrix(indices: indices, elementType: type, wraps: wraps, hasColumn: hasColumn)
  }
}
