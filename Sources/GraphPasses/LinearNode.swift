import ModelGraph
import Tensors

/// A convolution, deconvolution or matrix multiplication whose result a per-channel function can be folded into.
struct LinearNode {
  let index: Int
  let node: Node
  /// Axes of the result, the axis of its channels, and how many there are.
  let rank: Int
  let axis: Int
  let channels: Int
  private let weights: Tensor?
  /// Elements of the bias: none when there is no bias.
  private let bias: [Double]?

  /// The linear node that makes `x`, when nobody else reads x and the node has no post-ops.
  /// - Parameter rewriter: the graph it is in.
  init?(making x: ValueID, in rewriter: Rewriter) {
    guard rewriter.isReadOnce(x), let (index, node) = rewriter.maker(of: x), node.postOps.isEmpty,
      node.outputs.first == x, node.inputs.count >= 2, let type = rewriter.type(node.inputs[1]),
      type.elementType == .float32, let shape = type.shape
    else { return nil }
    if node.op.is(Convolution.self) {
      guard shape.rank >= 3 else { return nil }
      (rank, axis, channels) = (shape.rank, 1, shape.dims[0])
    } else if let deconvolution = node.op.as(Deconvolution.self) {
      guard shape.rank >= 3, deconvolution.window.groups >= 1 else { return nil }
      let (product, overflow) = shape.dims[1].multipliedReportingOverflow(by: deconvolution.window.groups)
      guard !overflow, shape.dims[0] % deconvolution.window.groups == 0 else { return nil }
      (rank, axis, channels) = (shape.rank, 1, product)
    } else if let multiply = node.op.as(MatrixMultiply.self) {
      guard shape.rank == 2, let rank = rewriter.type(node.inputs[0])?.rank, rank >= 2 else { return nil }
      (self.rank, axis, channels) = (rank, rank - 1, shape.dims[multiply.transposeB ? 0 : 1])
    } else {
      return nil
    }
    guard channels > 0 else { return nil }
    self.index = index
    self.node = node
    weights = rewriter.tensor(node.inputs[1])
    if let id = node.inputs.count > 2 ? node.inputs[2] : nil {
      // That of a convolution is a vector of channels; that of a product broadcasts, from the last axis on.
      guard let tensor = rewriter.tensor(id),
        let values = axis == 1 && shape.rank != 2
          ? tensor.values(alongAxis: 0, of: 1, size: channels)
          : tensor.values(alongAxis: axis, of: rank, size: channels)
      else { return nil }
      bias = values
    } else {
      bias = nil
    }
  }

  /// The node that computes `affine` of this node's result, as `result`; the constants it needs are added.
  /// - Returns: `nil` when the weights are not at hand.
  func folding(_ affine: ChannelAffine, into result: ValueID, in rewriter: inout Rewriter) throws -> Node? {
    var folded = node
    folded.outputs = [result]
    if !affine.onlyShifts {
      guard let weights, weights.shape.elementCount > 0 else { return nil }
      folded.inputs[1] = rewriter.addConstant("\(node.name).weight", try scaled(weights, by: affine))
    }
    if bias != nil || affine.shift.contains(where: { $0 != 0 }) {
      let elements = affine.applied(toBias: bias, channels: channels)
      let added = rewriter.addConstant(
        "\(node.name).bias", try Tensor(elements, shape: try Shape(checking: [channels])))
      folded.inputs = [folded.inputs[0], folded.inputs[1], added]
    }
    return folded
  }

  private func scaled(_ weights: Tensor, by affine: ChannelAffine) throws -> Tensor {
    let dims = weights.shape.dims
    if let deconvolution = node.op.as(Deconvolution.self) {
      // [inputs, channels of one group, window…]: inputs are grouped, too.
      let inputsOfGroup = dims[0] / deconvolution.window.groups
      return try weights.scaled(
        outer: dims[0], channels: dims[1], inner: dims.dropFirst(2).reduce(1, *)
      ) { input, channel in affine.scale(of: input / inputsOfGroup * dims[1] + channel) }
    }
    if let multiply = node.op.as(MatrixMultiply.self), !multiply.transposeB {
      return try weights.scaled(outer: dims[0], channels: dims[1], inner: 1) { affine.scale(of: $1) }
    }
    return try weights.scaled(outer: 1, channels: dims[0], inner: dims.dropFirst().reduce(1, *)) {
      affine.scale(of: $1)
    }
  }
}

extension Op {
  /// True for a convolution, deconvolution or matrix multiplication, of floats or with a result in floats.
  var isLinear: Bool {
    self.is(SmallProduct.self) || self.is(SmallConvolution.self) || self.is(Convolution.self)
      || self.is(Deconvolution.self) || self.is(MatrixMultiply.self)
      || self.as(IntegerConvolution.self)?.result.elementType == .float32
      || self.as(IntegerMatrixMultiply.self)?.result.elementType == .float32
  }

  /// True for a matrix multiplication, of floats, integers or small weights.
  var multipliesMatrices: Bool {
    self.is(MatrixMultiply.self) || self.is(IntegerMatrixMultiply.self) || self.is(SmallProduct.self)
  }
}
