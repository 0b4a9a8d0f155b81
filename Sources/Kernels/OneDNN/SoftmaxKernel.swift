import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Softmax: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.softmax(request, axis: axis)
  }
}

extension OneDNNEngine {
  /// oneDNN's softmax along one axis, in the layout that the operand comes in. Its log-softmax is left out: the logarithm in it is
  /// wrong by 3e-6, forty times the rounding of a float.
  func softmax(_ request: KernelRequest, axis: Int) throws -> PrimitiveDraft? {
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
        fi_dnnl_softmax_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, dnnl_softmax_accurate, layout.raw, layout.raw, Int32(seen),
          attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: view)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: view)]
    draft.inPlaceOperands = [0]
    draft.allowsReference = false
    return draft
  }

  /// Softmax along an axis that is not the innermost, of a plain tensor: the axis is brought inside and back, which
  /// costs less than walking along it.
  func outerSoftmax(_ request: KernelRequest, axis: Int) throws -> (any Kernel)? {
    // A constant has no memory to copy from.
    guard let x = request.ownOperand(0), x.immediate == nil, request.isAllFloat, x.layout == .plain,
      request.postOps.isEmpty, x.shape == request.optionalResult(0)?.shape
    else { return nil }
    let axis = axis < 0 ? axis + x.shape.rank : axis
    guard axis >= 0, axis < x.shape.rank else { return nil }
    let outer = x.shape.dims[..<axis].reduce(1, *)
    let inner = x.shape.dims[(axis + 1)...].reduce(1, *)
    let count = x.shape.dims[axis]
    guard inner > 1, count > 1 else { return nil }
    let turned = TensorView([outer, inner, count])
    let given = TensorView([outer, inner, count], strides: [count * inner, 1, inner])
    var inside = request
    let shape = try Shape(checking: turned.dims)
    inside.operands = [Operand(elementType: .float32, shape: shape)]
    inside.results = [.init(.float32, shape)]
    guard let draft = try softmax(inside, axis: 2), let middle = try primitive(draft, inside),
      let first = try copy(request, from: given, to: turned),
      let last = try copy(request, from: turned, to: given)
    else { return nil }
    var builder = ChainBuilder(self, request)
    let place = try builder.scratch(.float32, shape, .plain)
    builder.append(first, [.operand(0)], [place])
    builder.append(middle, [place], [place])
    builder.append(last, [place], [.result(0)])
    return builder.finish(operandLayouts: [.plain], resultLayouts: [.plain])
  }
}
