import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension BatchNormalization: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.batchNormalization(request, epsilon: epsilon)
  }
}

extension LayerNormalization: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.layerNormalization(request, axis: axis, epsilon: epsilon)
  }
}

extension LocalResponse: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.localResponse(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's batch normalisation with given statistics: x [N, C, …], then scale, bias, mean and variance, each [C].
  func batchNormalization(_ request: KernelRequest, epsilon: Double) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), request.isAllFloat, (2...5).contains(x.shape.rank),
      x.shape == request.optionalResult(0)?.shape
    else { return nil }
    let view = TensorView(x.shape)
    guard let layout = try x.descriptor(as: view) else { return nil }
    let flags = dnnl_use_global_stats.rawValue | dnnl_use_scale.rawValue | dnnl_use_shift.rawValue
    var draft = PrimitiveDraft { [handle] _, attributes in
      try PrimitiveDescriptor("dnnl_batch_normalization_forward_primitive_desc_create") {
        fi_dnnl_batch_normalization_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, layout.raw, layout.raw, Float(epsilon), flags,
          attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    let parameters = [DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE]
    for (offset, argument) in parameters.enumerated() {
      guard let operand = request.ownOperand(offset + 1), operand.shape.dims == [x.shape.dims[1]] else {
        return nil
      }
      draft.operands.append(.init(number: argument, index: offset + 1, view: TensorView(operand.shape)))
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.inPlaceOperands = [0]
    draft.fusion = PostOpFusion(request, result: view.dims) { _ in nil }
    draft.allowsReference = false
    return draft
  }

  /// oneDNN's layer normalisation: x, scale, bias (optional), over the axes from `axis` on.
  func layerNormalization(_ request: KernelRequest, axis: Int, epsilon: Double) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), request.isAllFloat,
      x.shape == request.optionalResult(0)?.shape
    else { return nil }
    let axis = axis < 0 ? axis + x.shape.rank : axis
    guard axis >= 0, axis < x.shape.rank else { return nil }
    let inner = x.shape.dims[axis...].reduce(1, *)
    let view = TensorView([x.shape.dims[..<axis].reduce(1, *), inner])
    let layout = try view.descriptor()
    let bias = request.ownOperand(2)
    let flags = dnnl_use_scale.rawValue | (bias == nil ? 0 : dnnl_use_shift.rawValue)
    var draft = PrimitiveDraft { [handle] _, attributes in
      try PrimitiveDescriptor("dnnl_layer_normalization_forward_primitive_desc_create") {
        fi_dnnl_layer_normalization_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, layout.raw, layout.raw, nil, Float(epsilon), flags,
          attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    for (argument, index) in [(DNNL_ARG_SCALE, 1)] + (bias == nil ? [] : [(DNNL_ARG_SHIFT, 2)]) {
      guard let operand = request.ownOperand(index), operand.shape.elementCount == inner else {
        return nil
      }
      draft.operands.append(.init(number: argument, index: index, view: TensorView([inner])))
    }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.inPlaceOperands = [0]
    draft.allowsReference = false
    return draft
  }

  /// oneDNN's LRN across channels: x [N, C, …].
  func localResponse(_ request: KernelRequest, _ op: LocalResponse) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), request.isAllFloat, (3...5).contains(x.shape.rank),
      x.shape == request.optionalResult(0)?.shape, op.size >= 1, op.size <= x.shape.dims[1] * 2
    else { return nil }
    let view = TensorView(x.shape)
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try PrimitiveDraft.descriptor(DNNL_ARG_SRC, view.dims, in: pins)
      return try PrimitiveDescriptor("dnnl_lrn_forward_primitive_desc_create") {
        fi_dnnl_lrn_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, dnnl_lrn_across_channels, src.raw, src.raw,
          Int64(op.size), Float(op.alpha), Float(op.beta), Float(op.bias), attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.candidates = try [x.descriptor(as: view), view.descriptor()].compactMap {
      $0.map { [DNNL_ARG_SRC: $0] }
    }
    draft.allowsReference = false
    return draft
  }
}
