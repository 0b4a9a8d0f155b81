import CDNNL
import Device
import ModelGraph
import Tensors

extension Split: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.parts(request, at: boxes)
  }

  /// Returns the start of each result in the operand, or `nil` if it is unknown or not a box.
  private func boxes(_ request: KernelRequest, _ shape: Shape) -> [[Int]]? {
    let axis = axis < 0 ? axis + shape.rank : axis
    guard axis >= 0, axis < shape.rank else { return nil }
    var boxes: [[Int]] = []
    var start = 0
    for result in request.results {
      guard let result, result.elementType == .float32, result.shape.elementCount > 0,
        result.shape.rank == shape.rank, start + result.shape.dims[axis] <= shape.dims[axis]
      else { return nil }
      boxes.append(shape.dims.indices.map { $0 == axis ? start : 0 })
      start += result.shape.dims[axis]
    }
    return boxes
  }
}

extension Slice: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.parts(request, at: boxes)
  }

  /// Returns the start of the result in the operand, or `nil` if it is unknown or not a box.
  private func boxes(_ request: KernelRequest, _ shape: Shape) -> [[Int]]? {
    guard request.results.count == 1, let result = request.optionalResult(0), result.shape.elementCount > 0,
      result.elementType == .float32, result.shape.rank == shape.rank,
      let starts = request.ownOperand(1)?.immediate?.integers
    else { return nil }
    var axes = Array(0..<starts.count)
    if let operand = request.ownOperand(3) {
      guard let known = operand.immediate?.integers else { return nil }
      axes = known.map { $0 < 0 ? $0 + shape.rank : $0 }
    }
    if let operand = request.ownOperand(4) {
      guard let steps = operand.immediate?.integers, steps.allSatisfy({ $0 == 1 }) else { return nil }
    }
    guard axes.count == starts.count, axes.allSatisfy({ $0 >= 0 && $0 < shape.rank }) else { return nil }
    var offsets = Array(repeating: 0, count: shape.rank)
    for (axis, start) in zip(axes, starts) {
      let dim = shape.dims[axis]
      offsets[axis] = min(max(start < 0 ? max(start, -dim) + dim : start, 0), dim)
    }
    let isInside = offsets.indices.allSatisfy { offsets[$0] + result.shape.dims[$0] <= shape.dims[$0] }
    return isInside ? [offsets] : nil
  }
}

extension OneDNNEngine {
  /// ONNX `Split` and `Slice` with steps of 1 of a tensor in one of the library's own layouts: copies of boxes, which
  /// keep the layout where its blocks are not cut, and where they follow one another need not run at all. Plain tensors are left to portable code.
  fileprivate func parts(
    _ request: KernelRequest, at boxes: (KernelRequest, Shape) -> [[Int]]?
  ) throws -> (any Kernel)? {
    guard let x = request.ownOperand(0), x.elementType == .float32, x.layout != .plain,
      request.postOps.isEmpty, x.shape.elementCount > 0,
      let whole = try x.descriptor(as: TensorView(x.shape))
    else { return nil }
    let stored = try StoredLayout(x.layout, of: x.elementType, x.shape)
    guard let boxes = boxes(request, x.shape) else { return nil }
    var builder = ChainBuilder(self, request)
    var layouts = request.results.map { _ in Layout.plain }
    var starts = request.results.map { _ -> Int? in 0 }
    for (index, box) in boxes.enumerated() {
      guard let result = request.results[index] else { continue }
      guard let source = try whole.box(result.shape.dims, at: box) else { return nil }
      let view = TensorView(result.shape)
      let target = try stored.descriptor(alike: result.shape.dims) ?? view.descriptor()
      guard let layout = try Layout(target, of: view) else { return nil }
      layouts[index] = layout
      starts[index] = try whole.start(of: target, at: box)
      var draft = PrimitiveDraft { [handle] _, attributes in
        try reorderDescriptor(from: source, to: target, attributes, on: handle)
      }
      draft.operands = [.init(number: DNNL_ARG_FROM, index: 0, view: view, layout: x.layout)]
      draft.results = [.init(number: DNNL_ARG_TO, index: 0, view: view, layout: layout)]
      let part = KernelRequest(
        model: request.model, node: request.node, op: .identity, operands: [x], results: [result],
        threads: request.threads)
      guard let kernel = try primitive(draft, part) else { return nil }
      builder.append(kernel, [.operand(0)], [.result(index)])
    }
    var operandLayouts = request.operands.map { $0?.layout ?? .plain }
    operandLayouts[0] = x.layout
    let offsets = starts.compactMap { $0 }
    return builder.finish(
      operandLayouts: operandLayouts, resultLayouts: layouts,
      resultOffsets: offsets.count == starts.count ? offsets : nil)
  }
}
