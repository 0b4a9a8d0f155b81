import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Pool: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    kind == .maximum && request.isAllFloat ? nil : try engine.pool(request, self)
  }
}

extension OneDNNEngine {
  /// Drafts oneDNN's pooling, for ONNX `MaxPool` (values alone), `AveragePool` and the global pools: x [N, C, …], of floats; the
  /// largest of 8-bit integers too. The largest of −∞ alone is a number there: see ``maximumPool(_:_:)``.
  func pool(_ request: KernelRequest, _ op: Pool) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0),
      let type = request.isAllFloat ? dnnl_f32 : op.kind == .maximum ? request.byteType : nil,
      request.results.dropFirst().allSatisfy({ $0 == nil }), x.shape.rank >= 3,
      y.shape.rank == x.shape.rank, y.shape.dims[..<2] == x.shape.dims[..<2]
    else { return nil }
    let (input, output) = (Array(x.shape.dims[2...]), Array(y.shape.dims[2...]))
    let isGlobal = op.window == nil
    // The library's time grows with the window, the portable kernel's with its logarithm.
    if let size = op.window, WidePoolProgram.suits(size, input: input, output: output) { return nil }
    guard
      let window = Window(
        kernel: op.window ?? input, strides: isGlobal ? [] : op.strides,
        dilations: isGlobal ? [] : op.dilations,
        padding: isGlobal ? .explicit(Array(repeating: 0, count: 2 * input.count)) : op.padding,
        input: input, output: output),
      isGlobal || window.agreesWithLibrary(op, input: input, output: output)
    else { return nil }
    let (source, target) = (TensorView(x.shape), TensorView(y.shape))
    let algorithm =
      switch op.kind {
      case .maximum: dnnl_pooling_max
      case .average: dnnl_pooling_avg_exclude_padding
      case .averageIncludingPadding, .sum: dnnl_pooling_avg_include_padding
      }
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try pins[DNNL_ARG_SRC] ?? .any(source.dims, type)
      let dst = try pins[DNNL_ARG_DST] ?? .any(target.dims, type)
      return try PrimitiveDescriptor("dnnl_pooling_forward_primitive_desc_create") {
        fi_dnnl_pooling_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, algorithm, src.raw, dst.raw, window.strides.wide,
          window.kernel.wide, window.dilations.wide, window.before.wide, window.after.wide,
          attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: source)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = .broadcasting(request)
    if op.kind == .sum {
      // The library divides by all elements of the window, those in the padding included.
      let size = window.kernel.reduce(1.0) { $0 * Double($1) }
      draft.fusion.prepend([EltwiseFunction.linear(Float(size), 0)])
    }
    let given = try x.descriptor(as: source)
    draft.candidates = try [given, source.descriptor(type)].compactMap { $0.map { [DNNL_ARG_SRC: $0] } }
    if type != dnnl_f32 {
      // Bytes have kernels with channels behind alone.
      let order = [0] + (2..<source.dims.count) + [1]
      draft.candidates = [
        [
          DNNL_ARG_SRC: try TensorView(source.dims, order: order).descriptor(type),
          DNNL_ARG_DST: try TensorView(target.dims, order: order).descriptor(type),
        ]
      ]
      draft.allowsReference = false
    }
    return draft
  }
}

extension KernelRequest {
  /// The data type of a request whose only operand and first result are of the same 8-bit integers; `nil` for others.
  fileprivate var byteType: dnnl_data_type_t? {
    guard postOps.isEmpty, operands.count == 1, let x = ownOperand(0), let y = optionalResult(0),
      x.elementType == y.elementType, x.elementType == .uint8 || x.elementType == .int8,
      x.shape.elementCount > 0, y.shape.elementCount > 0
    else { return nil }
    return x.elementType.dataType
  }
}

extension Window {
  /// True where oneDNN's pooling and ONNX's count the same elements: no place of the window lies in padding alone,
  /// and an average over padding knows only padding that the model has. Elements of a window are never further apart than
  /// the input is long: the library refuses that.
  func agreesWithLibrary(_ op: Pool, input: [Int], output: [Int]) -> Bool {
    for axis in input.indices {
      guard dilations[axis] < max(input[axis], 1), before[axis] < extent(axis),
        (output[axis] - 1) * strides[axis] - before[axis] < input[axis]
      else {
        return false
      }
      if op.kind == .averageIncludingPadding, case .explicit(let pads) = op.padding,
        after[axis] > pads[input.count + axis]
      {
        return false
      }
    }
    return true
  }
}
