import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Deconvolution: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.deconvolution(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's deconvolution, for ONNX `ConvTranspose`: x [N, C, …], w [C, O/groups, …], bias [O].
  func deconvolution(_ request: KernelRequest, _ op: Deconvolution) throws -> PrimitiveDraft? {
    let groups = op.window.groups
    guard let x = request.ownOperand(0), let w = request.ownOperand(1),
      let y = request.optionalResult(0),
      request.isAllFloat, x.shape.rank == w.shape.rank, x.shape.rank >= 3, y.shape.rank == x.shape.rank,
      groups >= 1, x.shape.dims[1] == w.shape.dims[0], w.shape.dims[0] % groups == 0,
      y.shape.dims[1] == w.shape.dims[1] * groups,
      (op.window.strides + op.window.dilations).allSatisfy({ $0 <= LibraryLimits.deconvolutionStep })
    else { return nil }
    let rank = x.shape.rank
    let (input, output) = (Array(x.shape.dims[2...]), Array(y.shape.dims[2...]))
    guard let window = deconvolutionWindow(op, kernel: Array(w.shape.dims[2...]), input, output) else {
      return nil
    }
    // Beyond the last place of the window the library knows less than one stride.
    guard zip(window.after, window.strides).allSatisfy({ $0 + $1 > 0 }) else { return nil }
    let (source, target) = (TensorView(x.shape), TensorView(y.shape))
    // ONNX has the input channels outside, oneDNN the output channels; groups are a part of the input channels.
    let strides = w.shape.strides
    let inputs = w.shape.dims[0] / groups
    var weights = TensorView(
      [w.shape.dims[1], inputs] + w.shape.dims[2...], strides: [strides[1], strides[0]] + strides[2..<rank])
    if groups > 1 {
      weights = TensorView([groups] + weights.dims, strides: [inputs * strides[0]] + weights.strides)
    }
    let bias = request.ownOperand(2)
    var draft = PrimitiveDraft { [handle, weights] pins, attributes in
      let src = try PrimitiveDraft.descriptor(DNNL_ARG_SRC, source.dims, in: pins)
      let wei = try PrimitiveDraft.descriptor(DNNL_ARG_WEIGHTS, weights.dims, in: pins)
      let dst = try PrimitiveDraft.descriptor(DNNL_ARG_DST, target.dims, in: pins)
      let add = try bias.map { try MemoryDescriptor.dense($0.shape.dims) }
      return try PrimitiveDescriptor("dnnl_deconvolution_forward_primitive_desc_create") {
        fi_dnnl_deconvolution_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, dnnl_deconvolution_direct, src.raw, wei.raw, add?.raw,
          dst.raw, window.strides.wide, window.dilations.wide, window.before.wide, window.after.wide,
          attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC, index: 0, view: source),
      .init(number: DNNL_ARG_WEIGHTS, index: 1, view: weights, isPacked: true),
    ]
    if let bias {
      guard bias.shape.dims == [y.shape.dims[1]] else { return nil }
      draft.operands.append(.init(number: DNNL_ARG_BIAS, index: 2, view: TensorView(bias.shape)))
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = .broadcasting(request, sums: true)
    // Channels behind come first: those kernels are convolutions themselves, where the others walk backwards through one,
    // many times slower for few channels.
    let last = try TensorView(source.dims, order: [0] + (2..<rank) + [1]).descriptor()
    let taps = window.kernel.reduce(1) { $0 * $1 }
    let isSearchedLong =
      window.strides[rank - 3] == 1 && output[rank - 3] > LibraryLimits.deconvolutionSearch / max(taps, 1)
    let others = try imageCandidates(x, source, target, prefersGiven: x.layout != .plain)
    draft.candidates =
      isSearchedLong ? try [[:], [DNNL_ARG_SRC: source.descriptor()]] : [[DNNL_ARG_SRC: last]] + others
    draft.allowsReference = w.layout != .plain
    let tableBytes = output[rank - 3] * LibraryLimits.deconvolutionTableBytesAPlace
    draft.tableBytes = { PrimitiveCost.isBatchReduced($0) ? tableBytes : 0 }
    return draft
  }

  /// The window as a convolution from the result to the input has it.
  private func deconvolutionWindow(
    _ op: Deconvolution, kernel: [Int], _ input: [Int], _ output: [Int]
  ) -> Window? {
    var padding = op.window.padding
    if op.outputShape != nil, case .explicit = padding {
      // ONNX: padding then follows from the shape, and what is odd goes before.
      padding = .sameLower
    }
    switch padding {
    case .explicit:
      return Window(
        kernel: kernel, strides: op.window.strides, dilations: op.window.dilations, padding: padding,
        input: output, output: input)
    case .sameUpper, .sameLower:
      return symmetricWindow(op, kernel: kernel, padding, input, output)
    }
  }

  /// ONNX: total = stride · (input − 1) + outputPadding + extent − output; half of it goes before, and the odd one
  /// after (`sameUpper`) or before.
  private func symmetricWindow(
    _ op: Deconvolution, kernel: [Int], _ padding: Padding, _ input: [Int], _ output: [Int]
  ) -> Window? {
    let rank = input.count
    guard
      var window = Window(
        kernel: kernel, strides: op.window.strides, dilations: op.window.dilations,
        padding: .explicit(Array(repeating: 0, count: 2 * rank)), input: output, output: input)
    else { return nil }
    for axis in 0..<rank {
      let extra = op.outputPadding.indices.contains(axis) ? op.outputPadding[axis] : 0
      guard (0...Window.largest).contains(extra) else { return nil }
      let total = max(
        window.strides[axis] * (input[axis] - 1) + extra + window.extent(axis) - output[axis], 0)
      let half = padding == .sameUpper ? total / 2 : total - total / 2
      window.after[axis] += window.before[axis] - half
      window.before[axis] = half
    }
    return window
  }
}
