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
    return self.is(Reshape.self) || self.is(Flatten.self) || self.is(Squeeze.self) || self.is(Unsqueeze.self)
      || self.is(Transpose.self) || self.is(Slice.self) || self.is(Expand.self) || self.is(Identity.self)
      || self.is(DepthToSpace.self) || self.is(SpaceToDepth.self)
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
    guard isReadOnce(x), let (_, mover) = maker(of: x), mover.postOps.isEmpty,
      mover.outputs.compactMap({ $0 }).count == 1, mover.outputs.first == x
    else { return false }
    var moved = mover
    if mover.op.is(Concat.self) {
      let areLevels = mover.inputs.allSatisfy { input in
        dequantized(input).map { $0.scale.count == 1 && $0.type.bitWidth == 8 } ?? false
      }
      guard !mover.inputs.isEmpty, areLevels, quantize.target.bitWidth == 8 else { return false }
      let parts = mover.inputs.map(levels)
      moved.inputs = zip(mover.inputs, parts).enumerated().map { position, part in
        part.1 ?? requantized(part.0, as: node, position, before: index)
      }
    } else {
      guard mover.op.movesElements, let source = levels(mover.inputs.first ?? nil) else { return false }
      moved.inputs[0] = source
    }
    moved.outputs = node.outputs
    replace(index, with: moved)
    return true
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
