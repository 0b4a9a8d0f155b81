import CDNNL
import Device
import ModelGraph
import Tensors

extension OneDNNEngine {
  /// oneDNN's softmax and log-softmax along one axis, in the layout that the operand comes in.
  func softmax(_ request: KernelRequest, axis: Int, logarithmic: Bool) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), request.isAllFloat, x.shape.rank >= 1,
      x.shape == request.optionalResult(0)?.shape
    else { return nil }
    let rank = x.shape.rank
    let axis = axis < 0 ? axis + rank : axis
    guard axis >= 0, axis < rank else { return nil }
    var (view, seen) = (TensorView(x.shape), axis)
    if x.layout == .plain, request.postOps.isEmpty {
      let dims = view.dims
      let inner = dims[(axis + 1)...].reduce(1, *)
      view = TensorView([dims[..<axis].reduce(1, *), dims[axis]] + (inner == 1 ? [] : [inner]))
      seen = 1
    }
    guard let layout = try x.descriptor(as: view) else { return nil }
    var draft = PrimitiveDraft { [handle, seen] _, attributes in
      try PrimitiveDescriptor("dnnl_softmax_forward_primitive_desc_create") {
        dnnl_softmax_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, logarithmic ? dnnl_softmax_log : dnnl_softmax_accurate,
          layout.raw, layout.raw, Int32(seen), attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.inPlaceOperands = [0]
    draft.allowsReference = false
    return draft
  }
}
