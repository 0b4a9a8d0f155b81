import ModelGraph
import Tensors

extension Pass {
  /// Makes one transpose of two in a row (none where they cancel), lets matrix multiplications read their operands
  /// transposed, and writes a transpose that only moves axes of size 1 as a reshape.
  public static let transposeSimplification = Pass(
    name: "transpose simplification", kind: .simplification
  ) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      let op = rewriter[index].op
      if let permutation = op.as(Transpose.self)?.permutation {
        return rewriter.spellOut(index, permutation) || rewriter.composeTransposes(index, permutation)
          || rewriter.writeAsReshape(index, permutation)
      }
      return op.as(MatrixMultiply.self).map { rewriter.absorbTransposes(index, $0) } ?? false
    }
  }
}

extension Rewriter {
  /// Writes the reversal that an empty permutation stands for.
  fileprivate mutating func spellOut(_ index: Int, _ permutation: [Int]) -> Bool {
    var node = self[index]
    guard permutation.isEmpty, let rank = type(node.inputs.first ?? nil)?.rank, rank > 0 else { return false }
    node.op = .transpose(permutation: Array((0..<rank).reversed()))
    replace(index, with: node)
    return true
  }

  fileprivate mutating func composeTransposes(_ index: Int, _ permutation: [Int]) -> Bool {
    guard let x = self[index].inputs.first ?? nil, let previous = maker(of: x)?.node,
      previous.postOps.isEmpty, let first = previous.op.as(Transpose.self)?.permutation,
      let source = previous.inputs.first ?? nil, first.count == permutation.count,
      permutation.allSatisfy(first.indices.contains)
    else { return false }
    let composed = permutation.map { first[$0] }
    if composed == Array(composed.indices), dissolve(index, into: source) { return true }
    var node = self[index]
    node.op = .transpose(permutation: composed)
    node.inputs = [source]
    replace(index, with: node)
    return true
  }

  /// A transpose keeps the order of the elements when the axes that are not of size 1 stay in order.
  fileprivate mutating func writeAsReshape(_ index: Int, _ permutation: [Int]) -> Bool {
    guard let x = self[index].inputs.first ?? nil, let result = self[index].outputs.first ?? nil,
      let dimensions = type(x)?.dimensions, dimensions.count == permutation.count,
      permutation != Array(permutation.indices), permutation.allSatisfy(dimensions.indices.contains)
    else { return false }
    let moved = permutation.filter { dimensions[$0] != .known(1) }
    guard moved == moved.sorted(), let target = reshapeTarget(of: result, named: self[index].name) else {
      return false
    }
    var node = self[index]
    node.op = .reshape(allowZero: false)
    node.inputs = [x, target]
    replace(index, with: node)
    return true
  }

  fileprivate mutating func absorbTransposes(_ index: Int, _ multiply: MatrixMultiply) -> Bool {
    var (node, multiply) = (self[index], multiply)
    var changed = false
    for operand in 0..<min(2, node.inputs.count) {
      guard let previous = maker(of: node.inputs[operand])?.node, previous.postOps.isEmpty,
        let permutation = previous.op.as(Transpose.self)?.permutation, permutation.swapsLastTwo
      else { continue }
      node.inputs[operand] = previous.inputs.first ?? nil
      if operand == 0 { multiply.transposeA.toggle() } else { multiply.transposeB.toggle() }
      changed = true
    }
    guard changed else { return false }
    node.op = .matrixMultiply(multiply)
    replace(index, with: node)
    return true
  }
}

extension [Int] {
  /// True if this permutation exchanges the last two axes and leaves the others alone.
  fileprivate var swapsLastTwo: Bool {
    guard count >= 2 else { return false }
    var swapped = Array(indices)
    swapped.swapAt(count - 1, count - 2)
    return self == swapped
  }
}
