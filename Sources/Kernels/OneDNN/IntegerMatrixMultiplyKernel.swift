import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension IntegerMatrixMultiply: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.integerMatrixMultiply(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's matmul of bytes.
  func integerMatrixMultiply(_ request: KernelRequest, _ op: IntegerMatrixMultiply) throws -> PrimitiveDraft?
  {
    guard let product = ByteProduct(request, op.result), let shapes = MatrixShapes(request, op.shape) else {
      return nil
    }
    for groups in shapes.groupings {
      if let draft = try integerMatrixMultiply(request, product, shapes, groups) { return draft }
    }
    return nil
  }

  private func integerMatrixMultiply(
    _ request: KernelRequest, _ product: ByteProduct, _ shapes: MatrixShapes, _ groups: AxisGroups
  ) throws -> PrimitiveDraft? {
    guard let b = request.ownOperand(1) else { return nil }
    let (left, right) = (shapes.left(groups), shapes.right(groups))
    let target = TensorView(groups.merge(shapes.result))
    let axis = target.dims.count - 1
    let fusion = product.fusion(target.dims, channelAxis: axis) { shape in
      shapes.operand(shape).flatMap { groups.merge($0, broadcastTo: shapes.result) }.map { TensorView($0) }
    }
    guard let fusion else { return nil }
    var bias: TensorView?
    if let operand = request.ownOperand(4) {
      guard let view = product.channels(operand, of: target.dims, axis: axis),
        view.dims[axis] == target.dims[axis]
      else { return nil }
      bias = view
    }
    let type = product.resultType
    var draft = PrimitiveDraft { [handle, bias] pins, attributes in
      let src = try pins[DNNL_ARG_SRC] ?? .any(left.dims, dnnl_u8)
      let wei = try pins[DNNL_ARG_WEIGHTS] ?? .any(right.dims, dnnl_s8)
      let dst = try pins[DNNL_ARG_DST] ?? .any(target.dims, type)
      let add = try bias?.descriptor(dnnl_s32)
      return try PrimitiveDescriptor("dnnl_matmul_primitive_desc_create") {
        fi_dnnl_matmul_primitive_desc_create(
          $0, handle.raw, src.raw, wei.raw, add?.raw, dst.raw, attributes.raw)
      }
    }
    draft.operands = [
      .init(number: DNNL_ARG_SRC, index: 0, view: left),
      .init(number: DNNL_ARG_WEIGHTS, index: 1, view: right, isPacked: true),
    ]
    if let bias { draft.operands.append(.init(number: DNNL_ARG_BIAS, index: 4, view: bias)) }
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = fusion
    draft.allowsReference = false
    var pins = [DNNL_ARG_SRC: try left.descriptor(dnnl_u8), DNNL_ARG_DST: try target.descriptor(type)]
    for (argument, operand) in fusion.arguments where operand.isFull {
      pins[argument] = try operand.view.descriptor()
    }
    if case .activation = b.source, b.layout == .plain {
      pins[DNNL_ARG_WEIGHTS] = try right.descriptor(dnnl_s8)
    }
    draft.candidates = [pins]
    return draft
  }
}
