import ModelGraph
import Tensors

extension Pass {
  /// Writes `x + x · gate` as `x · (gate + 1)` where the gate is smaller than x (squeeze-and-excitation with a shortcut):
  /// one pass over x in place of two, and the addition can become the gate's post-op.
  public static let gateSimplification = Pass(
    name: "gate simplification", kind: .simplification
  ) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      let node = rewriter[index]
      guard node.op == .binary(.add), node.postOps.isEmpty, node.inputs.count == 2 else { return false }
      for (x, product) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let x, let product, rewriter.isReadOnce(product), rewriter.type(x)?.elementType == .float32,
          let (_, multiplication) = rewriter.maker(of: product), multiplication.op == .binary(.multiply),
          multiplication.postOps.isEmpty, case let factors = multiplication.inputs.compactMap({ $0 }),
          factors.count == 2, factors.contains(x), let gate = factors.first(where: { $0 != x }),
          rewriter.isSmaller(gate, than: x)
        else { continue }
        let one = rewriter.addConstant("\(node.name).one", try Tensor([Float(1)], shape: .scalar))
        let raised = rewriter.addValue("\(node.name).gate", type: rewriter.type(gate))
        rewriter.insert(
          Node(name: "\(node.name).gate", op: .binary(.add), inputs: [gate, one], outputs: [raised]),
          before: index)
        var simplified = node
        simplified.op = .binary(.multiply)
        simplified.inputs = [x, raised]
        rewriter.replace(index, with: simplified)
        return true
      }
      return false
    }
  }
}

extension Rewriter {
  /// Returns true if `gate` broadcasts to `x` along an axis of more than one element.
  fileprivate func isSmaller(_ gate: ValueID, than x: ValueID) -> Bool {
    guard let gate = type(gate)?.dimensions, let whole = type(x)?.dimensions, gate.count == whole.count else {
      return false
    }
    return zip(gate, whole).allSatisfy { $0 == .known(1) || $0.isSeenToEqual($1) }
      && zip(gate, whole).contains { $0 == .known(1) && $1 != .known(1) }
  }
}
