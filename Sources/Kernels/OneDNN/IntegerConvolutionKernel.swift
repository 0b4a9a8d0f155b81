import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension IntegerConvolution: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.integerConvolution(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's convolution of bytes. Its kernels take images with channels behind.
  func integerConvolution(_ request: KernelRequest, _ op: IntegerConvolution) throws -> PrimitiveDraft? {
    let convolution = op.window
    guard let product = ByteProduct(request, op.result), let x = request.ownOperand(0),
      let w = request.ownOperand(1), let y = request.optionalResult(0),
      x.shape.rank == w.shape.rank, x.shape.rank >= 3, y.shape.rank == x.shape.rank,
      convolution.groups >= 1, x.shape.dims[1] % convolution.groups == 0,
      x.shape.dims[1] / convolution.groups == w.shape.dims[1],
      w.shape.dims[0] % convolution.groups == 0, y.shape.dims[1] == w.shape.dims[0],
      let window = Window(
        kernel: Array(w.shape.dims[2...]), strides: convolution.strides, dilations: convolution.dilations,
        padding: convolution.padding, input: Array(x.shape.dims[2...]), output: Array(y.shape.dims[2...]))
    else { return nil }
    let (source, target) = (TensorView(x.shape), TensorView(y.shape))
    let weights = TensorView(
      convolution.groups == 1
        ? w.shape.dims
        : [convolution.groups, w.shape.dims[0] / convolution.groups] + w.shape.dims[1...])
    let fusion = product.fusion(target.dims, channelAxis: 1) { shape in
      shape.rank <= target.dims.count ? TensorView(shape, rank: target.dims.count) : nil
    }
    guard let fusion else { return nil }
    let bias = request.ownOperand(4)
    let type = product.resultType
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try pins[DNNL_ARG_SRC] ?? .any(source.dims, dnnl_u8)
      let wei = try pins[DNNL_ARG_WEIGHTS] ?? .any(weights.dims, dnnl_s8)
      let dst = try pins[DNNL_ARG_DST] ?? .any(target.dims, type)
      let add = try bias.map { try MemoryDescriptor.dense([$0.shape.elementCount], dnnl_s32) }
      return try PrimitiveDescriptor("dnnl_convolution_forward_primitive_desc_create") {
        fi_dnnl_convolution_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, dnnl_convolution_direct, src.raw, wei.raw, add?.raw,
          dst.raw, window.strides.wide, window.dilations.wide, window.before.wide, window.after.wide,
          attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC, index: 0, view: source),
      .init(number: DNNL_ARG_WEIGHTS, index: 1, view: weights, isPacked: true),
    ]
    if let bias {
      guard bias.shape.elementCount == w.shape.dims[0] else { return nil }
      draft.operands.append(
        .init(number: DNNL_ARG_BIAS, index: 4, view: TensorView([bias.shape.elementCount])))
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = fusion
    draft.allowsReference = false
    let order = [0] + (2..<source.dims.count) + [1]
    let behind = [
      DNNL_ARG_SRC: try TensorView(source.dims, order: order).descriptor(dnnl_u8),
      DNNL_ARG_DST: try TensorView(target.dims, order: order).descriptor(type),
    ]
    draft.candidates = try weightTags(weights.dims, isGrouped: convolution.groups > 1).map { tag in
      try behind.merging([DNNL_ARG_WEIGHTS: MemoryDescriptor(weights.dims, dnnl_s8, tag: tag)]) { $1 }
    }
    draft.candidates += [behind, [:]]
    let tableBytes = y.shape.dims[y.shape.rank - 1] * LibraryLimits.tableBytesAPlace
    guard tableBytes <= LibraryLimits.largestTables else { return nil }
    draft.tableBytes = { $0.hasPrefix("brgconv:") ? tableBytes : 0 }
    return draft
  }

  /// Layouts of filters that kernels take for every size of the image and number of threads; those of batch-reduced convolutions,
  /// which the library chooses first, depend on both, and are no faster.
  private func weightTags(_ dims: [Int], isGrouped: Bool) -> [dnnl_format_tag_t] {
    if !isGrouped {
      switch dims.count {
      case 3: return [dnnl_ABc4b16a4b]
      case 4: return [dnnl_ABcd4b16a4b]
      case 5: return [dnnl_ABcde4b16a4b]
      default: return []
      }
    }
    // A filter for each channel, or blocks of them.
    let isDepthwise = dims[1] == 1 && dims[2] == 1
    switch dims.count {
    case 4: return [isDepthwise ? dnnl_Abcd16a : dnnl_aBCd4c16b4c]
    case 5: return [isDepthwise ? dnnl_Abcde16a : dnnl_aBCde4c16b4c]
    case 6: return isDepthwise ? [] : [dnnl_aBCdef4c16b4c]
    default: return []
    }
  }
}
