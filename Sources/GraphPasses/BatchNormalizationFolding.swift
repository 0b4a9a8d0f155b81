import ModelGraph
import Tensors

extension Pass {
  /// Folds a batch normalisation into the weights and bias of the convolution, deconvolution or (for two axes) matrix
  /// multiplication before it, which nobody else may read; computed in double precision, rounded once.
  ///
  /// A pad between the two moves behind the normalisation where that changes nothing: where it repeats elements, or
  /// where the normalisation takes its value to the same value in every channel.
  public static let batchNormalizationFolding = Pass(
    name: "batch normalisation folding", kind: .folding
  ) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      let node = rewriter[index]
      guard let x = node.inputs.first ?? nil, let result = node.outputs.first ?? nil, node.postOps.isEmpty,
        node.outputs.dropFirst().allSatisfy({ $0 == nil }),
        let affine = ChannelAffine(batchNormalization: node, in: rewriter)
      else { return false }
      if let linear = LinearNode(making: x, in: rewriter) {
        // Channels are axis 1, whatever the rank.
        guard linear.axis == 1, affine.scale.count == linear.channels,
          let folded = try linear.folding(affine, into: result, in: &rewriter)
        else { return false }
        rewriter.replace(index, with: folded)
        return true
      }
      return try rewriter.movePad(behind: index, affine)
    }
  }
}

extension Rewriter {
  /// Turns normalise(pad(x)) into pad(normalise(x)) where x is made by a linear node.
  fileprivate mutating func movePad(behind index: Int, _ affine: ChannelAffine) throws -> Bool {
    var normalisation = self[index]
    guard let padded = normalisation.inputs[0], let result = normalisation.outputs[0], isReadOnce(padded),
      let (padIndex, pad) = maker(of: padded), let mode = pad.op.as(Pad.self)?.mode, pad.postOps.isEmpty,
      let x = pad.inputs.first ?? nil, LinearNode(making: x, in: self) != nil, padsOnlySpace(pad)
    else { return false }
    var moved = pad
    if mode == .constant {
      let value = pad.inputs.count > 2 && pad.inputs[2] != nil ? scalar(pad.inputs[2])?.value : 0
      guard let value else { return false }
      let images = (0..<affine.scale.count).map {
        Float(value * affine.scale(of: $0) + affine.shift(of: $0))
      }
      guard let image = images.first, images.allSatisfy({ $0 == image }) else { return false }
      while moved.inputs.count < 3 { moved.inputs.append(nil) }
      moved.inputs[2] = addConstant("\(pad.name).value", try Tensor([image], shape: .scalar))
    }
    // The value between the two is normalised and not yet padded from now on: it has x's type.
    normalisation.inputs[0] = x
    normalisation.outputs = [padded]
    moved.inputs[0] = padded
    moved.outputs = [result]
    retype(padded, as: type(x))
    replace(padIndex, with: normalisation)
    replace(index, with: moved)
    return true
  }

  /// Returns true if a pad leaves the first two axes (images and channels) alone.
  func padsOnlySpace(_ pad: Node) -> Bool { spatialPads(pad) != nil }

  /// Returns the amounts that a pad adds before and after each spatial axis: begins, then ends. Returns `nil`
  /// if they are unknown or negative, or if the pad touches the first two axes.
  func spatialPads(_ pad: Node) -> (begins: [Int], ends: [Int])? {
    guard pad.inputs.count >= 2, let amounts = tensor(pad.inputs[1])?.integers, amounts.count % 2 == 0,
      pad.inputs.count < 4 || pad.inputs[3] == nil, amounts.count >= 6, amounts.allSatisfy({ $0 >= 0 })
    else { return nil }
    let (begins, ends) = (amounts.prefix(amounts.count / 2), amounts.suffix(amounts.count / 2))
    guard (begins.prefix(2) + ends.prefix(2)).allSatisfy({ $0 == 0 }) else { return nil }
    return (Array(begins.dropFirst(2)), Array(ends.dropFirst(2)))
  }
}
