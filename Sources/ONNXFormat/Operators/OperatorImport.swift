/// The import of one ONNX operator's nodes. All differences between opsets are in the `lower` functions.
struct OperatorImport: Sendable {
  /// The versions of the domain that have the operator.
  var versions: ClosedRange<Int>
  private var operands: ClosedRange<Int>
  /// True if operands may be sequences or absent optionals.
  private var takesComposites: Bool
  private var body: @Sendable (NodeImport) throws -> Void

  /// - Parameters:
  ///   - since: the first version of the domain that has the operator.
  ///   - until: the last one.
  ///   - operands: how many operands it may have; the optional ones are at the end.
  ///   - takesComposites: true if operands may be sequences or absent optionals.
  init(
    _ operands: ClosedRange<Int>, since: Int = 1, until: Int = .max, takesComposites: Bool = false,
    _ body: @escaping @Sendable (NodeImport) throws -> Void
  ) {
    versions = since...until
    self.operands = operands
    self.takesComposites = takesComposites
    self.body = body
  }

  /// Adds what `node` means to its graph.
  /// - Throws: ``ONNXError``; ``NodeImport/UnsupportedForm``.
  func lower(_ node: NodeImport) throws {
    try node.checkOperands(operands)
    if !takesComposites { try node.checkTensors() }
    // A hint for runtimes that write results over operands.
    if node.opset < 6, ModelImport.domain(node.proto.domain).isEmpty { node.ignore("consumed_inputs") }
    try body(node)
  }

  /// Every operator that can be read, by domain (ONNX's own is "") and name.
  static let all: [String: [String: OperatorImport]] = [
    "": merged([
      unaryOperators, castOperators, binaryOperators, constantOperators, linearOperators, windowOperators,
      normalizationOperators, reductionOperators, movementOperators, indexingOperators, shapeOperators,
      resizeOperators, recurrentOperators, controlOperators, quantizationOperators, einsumOperators,
      attentionOperators,
      lossOperators, gridOperators, samplingOperators, signalOperators, signalWindowOperators,
      integerProductOperators, selectionOperators, sequenceOperators, optionalOperators,
      randomOperators, vectorizerOperators, textOperators,
    ]),
    "ai.onnx.ml": merged([treeOperators, linearModelOperators, supportVectorOperators, featureOperators]),
    "ai.onnx.preview": previewOperators,
    "com.microsoft": merged([
      microsoftOperators, microsoftAttentionOperators, microsoftFusedOperators,
      microsoftQuantizationOperators, microsoftProductOperators, microsoftTextOperators,
    ]),
  ]

  private static func merged(_ families: [[String: OperatorImport]]) -> [String: OperatorImport] {
    families.reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
  }
}
