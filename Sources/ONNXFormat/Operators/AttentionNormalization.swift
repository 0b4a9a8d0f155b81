import ModelGraph
import Tensors

extension OperatorImport {
  /// `https://onnx.ai/onnx/operators/onnx__LayerNormalization.html`
  static func layerNormalization(_ node: NodeImport) throws {
    let stash = try node.integer("stash_type", default: 1)
    let axis = try node.integer("axis", default: -1)
    let epsilon = try node.float("epsilon", default: 1e-5)
    let op = Op.layerNormalization(axis: axis, epsilon: epsilon)
    guard node.wants(1) || node.wants(2) else { return try node.emit(op, node.operands) }
    let x = try node.operand(0)
    try node.emitMoments(of: x, axis: axis, epsilon, as: stash == 16 ? .bfloat16 : .float32)
    try node.emit(result: 0, op, node.operands)
  }

  /// onnxruntime's `SimplifiedLayerNormalization`: x and scale. Results: y, and one over the root of the mean square.
  static func simplifiedLayerNormalization(_ node: NodeImport) throws {
    node.ignore("stash_type")
    let (x, scale) = (try node.operand(0), try node.operand(1))
    let axis = try node.integer("axis", default: -1)
    let result = try node.rootMeanSquare(x, scale, axis: axis, try node.float("epsilon", default: 1e-5))
    if node.wants(1) {
      try node.emit(result: 1, node.intermediate(.unary(.reciprocal), [result.root], "inverse"), as: .float32)
    }
    try node.emit(result: 0, result.value, as: node.elementType(scale) ?? .float32)
  }

  /// onnxruntime's `SkipLayerNormalization`: x, skip, scale, bias and the bias of the sum. Results: y, mean, inverse
  /// deviation and sum.
  static func skipLayerNormalization(_ node: NodeImport) throws {
    let sum = try skipSum(node, bias: 4)
    let epsilon = try node.float("epsilon", default: 1e-12)
    if node.wants(1) || node.wants(2) { try node.emitMoments(of: sum, axis: -1, epsilon, as: .float32) }
    let parameters = [node.optional(2), node.optional(3)].enumerated().map { index, id in
      id.flatMap { id in node.elementType(sum).map { node.converted(id, to: $0, "parameter\(index)") } }
    }
    let y = node.intermediate(
      .layerNormalization(axis: -1, epsilon: epsilon), [sum] + parameters, "normalized")
    try node.emit(result: 0, y, as: try node.realTypes(of: try node.operand(0)).own)
  }

  /// onnxruntime's `SkipSimplifiedLayerNormalization`: x, skip, scale and the bias of the sum.
  static func skipSimplifiedLayerNormalization(_ node: NodeImport) throws {
    guard !node.wants(1) else { throw NodeImport.UnsupportedForm(reason: "its mean as a result") }
    let sum = try skipSum(node, bias: 3)
    let result = try node.rootMeanSquare(
      sum, try node.operand(2), axis: -1, try node.float("epsilon", default: 1e-12))
    if node.wants(2) {
      try node.emit(result: 2, node.intermediate(.unary(.reciprocal), [result.root], "inverse"), as: .float32)
    }
    try node.emit(result: 0, result.value, as: try node.realTypes(of: try node.operand(0)).own)
  }

  /// The sum that is normalised, in floats if operands are halves; it is the fourth result too.
  private static func skipSum(_ node: NodeImport, bias: Int) throws -> ValueID {
    let (own, wide) = try node.realTypes(of: try node.operand(0))
    var sum = node.binary(
      .add, node.converted(try node.operand(0), to: wide, "wideX"),
      node.converted(try node.operand(1), to: wide, "wideSkip"), "sum")
    if let bias = node.optional(bias) {
      sum = node.binary(.add, sum, node.converted(bias, to: wide, "wideBias"), "biasedSum")
    }
    if node.wants(3) { try node.emit(result: 3, sum, as: own) }
    return sum
  }

  /// onnxruntime's `EmbedLayerNormalization`: numbers of words and segments, the three tables, scale, bias, mask, positions.
  /// Results: y, the number of words that the mask keeps, and the sum of the embeddings.
  static func embedLayerNormalization(_ node: NodeImport) throws {
    node.ignore("mask_index_type")
    let words = try node.operand(0)
    func rows(_ table: Int, _ numbers: ValueID, _ suffix: String) throws -> ValueID {
      node.intermediate(.gather(axis: 0), [try node.operand(table), numbers], suffix)
    }
    let places: ValueID
    if let numbers = node.optional(8) {
      places = try rows(3, numbers, "positions")
    } else {
      let (zero, axis) = (try node.constant([0], "first"), try node.constant([0], "rows"))
      places = node.intermediate(
        .slice, [try node.operand(3), zero, node.size(1, of: words, "length"), axis], "positions")
    }
    var sum = node.binary(.add, try rows(2, words, "words"), places, "sum")
    if let segments = node.optional(1) {
      sum = node.binary(.add, sum, try rows(4, segments, "segments"), "segmentSum")
    }
    if node.wants(1) { try emitKeptWords(node, words) }
    if node.wants(2) { try node.emit(result: 2, .identity, [sum]) }
    let epsilon = try node.float("epsilon", default: 1e-12)
    try node.emit(
      result: 0, .layerNormalization(axis: -1, epsilon: epsilon),
      [sum, try node.operand(5), try node.operand(6)])
  }

  private static func emitKeptWords(_ node: NodeImport, _ words: ValueID) throws {
    guard let mask = node.optional(7) else {
      let zero = try Tensor([Int32(0)], shape: .scalar)
      return try node.emit(result: 1, .constantOfShape(value: zero), [node.size(0, of: words, "batch")])
    }
    let kept = node.binary(.equal, mask, try node.constant(1, like: mask, "one"), "isKept")
    try node.emit(
      result: 1, .reduce(.sum, keepDimensions: false, noopWithEmptyAxes: false),
      [node.converted(kept, to: .int32, "kept"), try node.constant([1], "wordAxis")])
  }
}

extension NodeImport {
  /// The axes from `axis` to the last, counted from the end.
  private func lastAxes(from axis: Int, of x: ValueID, _ suffix: String) throws -> ValueID {
    guard let first = axis < 0 ? axis : rank(x).map({ axis - $0 }), (-16..<0).contains(first) else {
      throw UnsupportedForm(reason: "axis \(axis) of a value whose rank cannot be told from the file")
    }
    return try constant(Array(first..<0), suffix)
  }

  /// Makes the results 1 and 2, as far as the file uses them: the mean of `x` over the axes from `axis` on, and one over its
  /// standard deviation.
  fileprivate func emitMoments(of x: ValueID, axis: Int, _ epsilon: Double, as type: ElementType) throws {
    let wide = converted(x, to: try realTypes(of: x).wide, "wideElements")
    let axes = try lastAxes(from: axis, of: x, "momentAxes")
    let mean = intermediate(
      .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false), [wide, axes], "mean")
    if wants(1) { try emit(result: 1, mean, as: type) }
    guard wants(2) else { return }
    let distance = binary(.subtract, wide, mean, "distance")
    let variance = intermediate(
      .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false),
      [binary(.multiply, distance, distance, "squares"), axes], "variance")
    let raised = binary(.add, variance, try constant(epsilon, like: wide, "momentEpsilon"), "raisedVariance")
    let deviation = intermediate(.unary(.squareRoot), [raised], "deviation")
    try emit(result: 2, intermediate(.unary(.reciprocal), [deviation], "inverseDeviation"), as: type)
  }

  /// x / √(mean(x²) + ε) · scale, and the root. Halves are normalised as floats, which the value stays.
  func rootMeanSquare(
    _ x: ValueID, _ scale: ValueID, axis: Int, _ epsilon: Double, _ prefix: String = ""
  ) throws -> (value: ValueID, root: ValueID) {
    let type = try realTypes(of: x).wide
    let wide = converted(x, to: type, prefix + "wide")
    let mean = intermediate(
      .reduce(.mean, keepDimensions: true, noopWithEmptyAxes: false),
      [binary(.multiply, wide, wide, prefix + "square"), try lastAxes(from: axis, of: x, prefix + "axes")],
      prefix + "meanSquare")
    let raised = binary(.add, mean, try constant(epsilon, like: wide, prefix + "epsilon"), prefix + "raised")
    let root = intermediate(.unary(.squareRoot), [raised], prefix + "root")
    let normalized = binary(.divide, wide, root, prefix + "normalized")
    return (
      binary(.multiply, normalized, converted(scale, to: type, prefix + "wideScale"), prefix + "scaled"), root
    )
  }
}
