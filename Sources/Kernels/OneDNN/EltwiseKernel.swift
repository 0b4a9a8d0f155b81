import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Unary: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.unary(request, function)
  }
}

extension OneDNNEngine {
  /// oneDNN's element-wise functions, but for those that lose what is not a number.
  func unary(_ request: KernelRequest, _ function: UnaryFunction) throws -> PrimitiveDraft? {
    guard let chain = EltwiseFunction.chain(function), !chain.contains(where: \.losesNaN) else { return nil }
    return try eltwise(request, chain)
  }

  /// `chain` applied to operand 0, in the layout that it comes in; the result may take its place.
  func eltwise(_ request: KernelRequest, _ chain: [EltwiseFunction]) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0), request.isAllFloat,
      x.shape == y.shape, let first = chain.first
    else { return nil }
    var view = TensorView(x.shape)
    var fusion = PostOpFusion.broadcasting(request)
    if x.layout == .plain, fusion.arguments.isEmpty {
      view = TensorView([x.shape.elementCount])
      fusion = PostOpFusion(request, result: view.dims) { _ in nil }
    }
    fusion.prepend(Array(chain.dropFirst()))
    guard let layout = try x.descriptor(as: view) else { return nil }
    var draft = PrimitiveDraft { [handle] pins, attributes in
      try PrimitiveDescriptor("dnnl_eltwise_forward_primitive_desc_create") {
        fi_dnnl_eltwise_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, first.algorithm, layout.raw, layout.raw, first.alpha,
          first.beta, attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.inPlaceOperands = fusion.arguments.isEmpty ? [0] : []
    draft.fusion = fusion
    draft.allowsReference = false
    return draft
  }
}
