import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Reduce: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.reduction(request, reduction)
  }
}

extension OneDNNEngine {
  /// oneDNN's reduction over neighbouring axes; over the spatial axes of an image in the library's own layouts it is
  /// a pooling.
  func reduction(_ request: KernelRequest, _ reduction: Reduction) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0),
      x.elementType == .float32, y.elementType == .float32, x.shape.elementCount > 0, x.shape.rank >= 1,
      let axes = reducedAxes(request, rank: x.shape.rank), let first = axes.first, let last = axes.last,
      axes == Array(first...last)
    else { return nil }
    let dims = x.shape.dims
    if x.layout != .plain, x.shape.rank >= 3, x.shape.rank <= 5, first == 2, last == x.shape.rank - 1 {
      return try spatialReduction(request, reduction, x)
    }
    guard let algorithm = reduction.algorithm else { return nil }
    let (outer, count, inner) = (
      dims[..<first].reduce(1, *), dims[first...last].reduce(1, *), dims[(last + 1)...].reduce(1, *)
    )
    let rest = inner == 1 ? [] : [inner]
    let (source, target) = (TensorView([outer, count] + rest), TensorView([outer, 1] + rest))
    let (src, dst) = (try source.descriptor(), try target.descriptor())
    guard count > 1 else { return nil }
    var draft = PrimitiveDraft { [handle] _, attributes in
      try PrimitiveDescriptor("dnnl_reduction_primitive_desc_create") {
        fi_dnnl_reduction_primitive_desc_create(
          $0, handle.raw, algorithm.kind, src.raw, dst.raw, algorithm.power, 0, attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: source)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.allowsReference = false
    return draft
  }

  private func spatialReduction(_ request: KernelRequest, _ reduction: Reduction, _ x: Operand) throws
    -> PrimitiveDraft?
  {
    let kind: Pool.Kind
    switch reduction {
    case .mean: kind = .average
    default: return nil
    }
    let dims = x.shape.dims[..<2] + Array(repeating: 1, count: x.shape.rank - 2)
    let pooled = request.with(operands: [x], results: [.init(.float32, try Shape(checking: Array(dims)))])
    var draft = try pool(
      pooled, Pool(kind: kind, window: nil, strides: [], dilations: [], padding: .explicit([])))
    draft?.allowsReference = false
    return draft
  }

  /// The axes, ascending, when they are known; `nil` also when there is nothing to reduce.
  func reducedAxes(_ request: KernelRequest, rank: Int) -> [Int]? {
    guard let reduce = request.op.as(Reduce.self) else { return nil }
    var axes: [Int] = []
    if let operand = request.ownOperand(1) {
      guard let known = operand.immediate?.integers else { return nil }
      axes = known.map { $0 < 0 ? $0 + rank : $0 }
    }
    if axes.isEmpty { return reduce.noopWithEmptyAxes ? nil : Array(0..<rank) }
    guard axes.allSatisfy({ $0 >= 0 && $0 < rank }) else { return nil }
    return Set(axes).sorted()
  }
}

extension Reduction {
  fileprivate var algorithm: (kind: dnnl_alg_kind_t, power: Float)? {
    switch self {
    case .sum: (dnnl_reduction_sum, 0)
    case .mean: (dnnl_reduction_mean, 0)
    case .product: (dnnl_reduction_mul, 0)
    case .l1: (dnnl_reduction_norm_lp_power_p_sum, 1)
    case .l2: (dnnl_reduction_norm_lp_sum, 2)
    case .sumOfSquares: (dnnl_reduction_norm_lp_power_p_sum, 2)
    // The library starts from the lowest finite number, and passes NaNs over.
    case .maximum, .minimum, .logSum, .logSumExp: nil
    }
  }
}
