import CDNNL
import CKernelLibrary
import Device
import ModelGraph
import Tensors

extension Resize: OneDNNOperator {
  func draft(_ request: KernelRequest, on engine: OneDNNEngine) throws -> PrimitiveDraft? {
    try engine.resampling(request, self)
  }
}

extension OneDNNEngine {
  /// oneDNN's resampling, for those ONNX `Resize` that compute the same: x [N, C, …], scaled along spatial axes.
  ///
  /// In a plain layout, its linear mode keeps a table of all corners of every place of the result for each number of
  /// threads, several times the image. The portable kernel, which keeps none, takes its place there.
  func resampling(_ request: KernelRequest, _ op: Resize) throws -> PrimitiveDraft? {
    guard let x = request.ownOperand(0), let y = request.optionalResult(0), x.elementType == .float32,
      y.elementType == .float32, (3...5).contains(x.shape.rank), y.shape.rank == x.shape.rank,
      x.shape.elementCount > 0, y.shape.elementCount > 0, x.shape.dims[..<2] == y.shape.dims[..<2],
      op.aspectRatio == .stretch, !op.antialias, op.mode != .linear || x.layout != .plain,
      let scales = resizeScales(request, op, x.shape, y.shape)
    else { return nil }
    let algorithm: dnnl_alg_kind_t
    switch op.mode {
    case .nearest: algorithm = dnnl_resampling_nearest
    case .linear: algorithm = dnnl_resampling_linear
    case .cubic: return nil
    }
    for axis in 2..<x.shape.rank {
      let scaled = ScaledAxis(
        input: x.shape.dims[axis], output: y.shape.dims[axis], scale: scales[axis],
        hasScale: request.ownOperand(2).map { $0.shape.elementCount > 0 } ?? false)
      guard scaled.agreesWithLibrary(op) else { return nil }
    }
    let (source, target) = (TensorView(x.shape), TensorView(y.shape))
    var draft = PrimitiveDraft { [handle] pins, attributes in
      let src = try PrimitiveDraft.descriptor(DNNL_ARG_SRC, source.dims, in: pins)
      let dst = try PrimitiveDraft.descriptor(DNNL_ARG_DST, target.dims, in: pins)
      return try PrimitiveDescriptor("dnnl_resampling_forward_primitive_desc_create") {
        fi_dnnl_resampling_forward_primitive_desc_create(
          $0, handle.raw, dnnl_forward_inference, algorithm, nil, src.raw, dst.raw, attributes.raw)
      }
    }
    draft.operands = [.init(number: DNNL_ARG_SRC, index: 0, view: source)]
    draft.results = [.init(number: DNNL_ARG_DST, index: 0, view: target)]
    draft.fusion = .broadcasting(request)
    draft.candidates = try [x.descriptor(as: source), op.mode == .linear ? nil : source.descriptor()]
      .compactMap { $0.map { [DNNL_ARG_SRC: $0] } }
    let tableBytes = y.shape.dims[2...].reduce(0) { $0 + $1 * Self.resamplingEntry }
    draft.tableBytes = { _ in tableBytes }
    return draft
  }

  /// Bytes of two offsets and two weights, which the library keeps for each index of an axis.
  private static let resamplingEntry = 16

  /// The scale of each axis; `nil` when the model computes them while it runs.
  private func resizeScales(_ request: KernelRequest, _ op: Resize, _ input: Shape, _ output: Shape)
    -> [Float]?
  {
    var scales = zip(input.dims, output.dims).map { Float($1) / Float($0) }
    guard let operand = request.ownOperand(2), operand.shape.elementCount > 0 else {
      return request.ownOperand(3)?.immediate == nil ? nil : scales
    }
    guard let given = operand.immediate?.floats else { return nil }
    let axes = (op.axes ?? Array(0..<input.rank)).map { $0 < 0 ? $0 + input.rank : $0 }
    guard axes.count == given.count, axes.allSatisfy({ scales.indices.contains($0) }) else { return nil }
    for (axis, scale) in zip(axes, given) { scales[axis] = scale }
    return scales
  }
}

/// One axis of an image that is scaled.
private struct ScaledAxis {
  var input: Int
  var output: Int
  var scale: Float
  /// True when the model gives the scale, false when it follows from the sizes.
  var hasScale: Bool
  /// The length of the resized axis before it is cut to whole elements.
  private var length: Float { hasScale ? scale * Float(input) : Float(output) }

  /// True when every element of the result comes from the same place for ONNX and for oneDNN.
  func agreesWithLibrary(_ op: Resize) -> Bool {
    (0..<output).allSatisfy { index in
      guard let onnx = coordinate(index, op.coordinates) else { return false }
      // https://oneapi-src.github.io/oneDNN/v3.2/dev_guide_resampling.html
      let library = (Float(index) + 0.5) * Float(input) / Float(output) - 0.5
      switch op.mode {
      case .nearest: return inside(round(onnx, op.rounding)) == inside(library.rounded())
      case .linear:
        // On an element, the library adds a neighbour times 0, which may be the same element, and infinite.
        return library != library.rounded() && abs(inside(onnx) - inside(library)) <= 1e-5 * Float(input)
      case .cubic: return false
      }
    }
  }

  private func inside(_ coordinate: Float) -> Float { min(max(coordinate, 0), Float(input - 1)) }

  /// Returns the coordinate that ONNX samples for the element
  /// (https://onnx.ai/onnx/operators/onnx__Resize.html).
  private func coordinate(_ index: Int, _ coordinates: Resize.Coordinates) -> Float? {
    let x = Float(index)
    switch coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .asymmetric: return x / scale
    case .alignCorners: return output > 1 ? x * Float(input - 1) / (length - 1) : 0
    case .halfPixelSymmetric, .tfCropAndResize: return nil
    }
  }

  private func round(_ coordinate: Float, _ rounding: Resize.Rounding) -> Float {
    switch rounding {
    case .preferFloor: (coordinate - 0.5).rounded(.up)
    case .preferCeiling: (coordinate + 0.5).rounded(.down)
    case .floor: coordinate.rounded(.down)
    case .ceiling: coordinate.rounded(.up)
    }
  }
}
