import ModelGraph
import Tensors

extension Pass {
  /// Lets a convolution add the zeros around its image that a `Pad` before it adds.
  public static let padMerging = Pass(name: "pad merging", kind: .fusion) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      var node = rewriter[index]
      guard var convolution = node.op.as(Convolution.self), case .explicit(let padding) = convolution.padding,
        let padded = node.inputs.first ?? nil, let pad = rewriter.maker(of: padded)?.node,
        pad.postOps.isEmpty, pad.op == .pad(.constant), rewriter.padsWithZero(pad),
        let (begins, ends) = rewriter.spatialPads(pad), padding.count == begins.count + ends.count
      else { return false }
      let sums = zip(padding, begins + ends).map { $0.addingReportingOverflow($1) }
      guard sums.allSatisfy({ !$0.overflow }) else { return false }
      convolution.padding = .explicit(sums.map(\.partialValue))
      node.op = .convolution(convolution)
      node.inputs[0] = pad.inputs[0]
      rewriter.replace(index, with: node)
      return true
    }
  }
}

extension Rewriter {
  fileprivate func padsWithZero(_ pad: Node) -> Bool {
    guard pad.inputs.count > 2, pad.inputs[2] != nil else { return true }
    return scalar(pad.inputs[2])?.value == 0
  }
}
