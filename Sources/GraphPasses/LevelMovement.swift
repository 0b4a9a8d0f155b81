import ModelGraph
import Tensors

extension Pass {
  /// Moves 8-bit levels in place of the floats that they stand for, where these are only moved about, or the largest of them taken,
  /// and quantised again as they were before. Parts of a concatenation that were quantised otherwise are quantised again each by
  /// itself.
  public static let levelMovement = Pass(name: "level movement", kind: .simplification) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      guard let quantize = rewriter[index].op.as(Quantize.self) else { return false }
      return rewriter.moveLevels(index, quantize)
    }
  }
}

extension Op {
  /// True if the first result has elements of the first operand, in an order that their values other than by comparison do not
  /// decide.
  fileprivate var movesElements: Bool {
    if let pool = self.as(Pool.self) { return pool.kind == .maximum }
    return reals == .moved && signature.hasOneDataOperand
  }
}

extension Rewriter {
  fileprivate mutating func moveLevels(_ index: Int, _ quantize: Quantize) -> Bool {
    let node = self[index]
    guard node.postOps.isEmpty, let x = node.inputs[0], let step = tensor(node.inputs[1])?.floats,
      step.count == 1, let zero = integer(node.inputs.count > 2 ? node.inputs[2] : nil)
    else { return false }
    /// The levels that a value is made of, quantised in the same way.
    func levels(_ id: ValueID?) -> ValueID? {
      guard let value = dequantized(id), value.type == quantize.target, value.scale == step,
        integer(value.zeroPoint) == zero
      else { return nil }
      return value.integers
    }
    if let source = levels(x) { return dissolve(index, into: source) }
    // Levels of four bits have no kernels that move them.
    guard quantize.target == .int8 || quantize.target == .uint8, let mover = mover(of: x) else {
      return false
    }
    guard mover.op.is(Concat.self) else {
      guard let (movers, source) = movers(endingWith: mover, levels) else { return false }
      move(source, by: movers, index, quantize.target)
      return true
    }
    let areLevels = mover.inputs.allSatisfy { input in
      dequantized(input).map { $0.scale.count == 1 && $0.type.bitWidth == 8 } ?? false
    }
    guard !mover.inputs.isEmpty, areLevels else { return false }
    let parts = mover.inputs.map(levels)
    var moved = mover
    moved.inputs = zip(mover.inputs, parts).enumerated().map { position, part in
      part.1 ?? requantized(part.0, as: node, position, before: index)
    }
    moved.outputs = node.outputs
    replace(index, with: moved)
    return true
  }

  /// The node that makes `id` as its only result, when nothing else reads that.
  private func mover(of id: ValueID) -> Node? {
    guard isReadOnce(id), let node = maker(of: id)?.node, node.postOps.isEmpty,
      node.outputs.compactMap({ $0 }).count == 1, node.outputs.first == id
    else { return nil }
    return node
  }

  /// The nodes that move elements up to `last`, which comes first, and the levels that they begin from.
  private func movers(
    endingWith last: Node, _ levels: (ValueID?) -> ValueID?
  ) -> (movers: [Node], source: ValueID)? {
    var movers: [Node] = []
    var next: Node? = last
    while movers.count < 8, let node = next, node.op.movesElements, let operand = node.inputs.first ?? nil {
      movers.append(node)
      if let source = levels(operand) { return (movers, source) }
      next = mover(of: operand)
    }
    return nil
  }

  /// Moves levels in place of the floats that are quantised at `index`.
  private mutating func move(_ levels: ValueID, by movers: [Node], _ index: Int, _ type: ElementType) {
    var source = levels
    var copies: [Node] = []
    for (position, node) in movers.enumerated().reversed() {
      var moved = node
      moved.inputs[0] = source
      if position == 0 {
        moved.outputs = self[index].outputs
      } else {
        let dimensions = node.outputs.first.flatMap { self.type($0)?.dimensions }
        let result = addValue("\(node.name)/levels", type: ValueType(type, dimensions))
        moved.outputs = [result]
        source = result
      }
      copies.append(moved)
    }
    // A node that is put in comes behind those put in before it for the same place.
    for node in copies.dropLast().reversed() { insert(node, before: index) }
    if let moved = copies.last { replace(index, with: moved) }
  }

  /// A part of a concatenation, quantised as the whole is by `quantizer`.
  private mutating func requantized(
    _ part: ValueID?, as quantizer: Node, _ position: Int, before index: Int
  ) -> ValueID {
    let target = quantizer.outputs.first.flatMap { type($0)?.elementType }
    let name = "\(quantizer.name)/part\(position)"
    let result = addValue(name, type: target.map { ValueType($0, type(part)?.dimensions) })
    var node = quantizer
    node.name = name
    node.inputs[0] = part
    node.outputs = [result]
    insert(node, before: index)
    return result
  }
}
