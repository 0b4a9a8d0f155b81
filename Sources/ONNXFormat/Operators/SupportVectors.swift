import ModelGraph
import Tensors

extension OperatorImport {
  /// Support vector machines.
  static let supportVectorOperators: [String: OperatorImport] = [
    "SVMRegressor": OperatorImport(1...1) { node in
      let transform = try node.postTransform()
      let isOneClass = try node.flag("one_class")
      _ = try node.integer("n_targets")
      let vectors = try node.integer("n_supports", in: 0...NodeImport.largest, default: 0)
      let coefficients = try node.matrix(try node.floats("coefficients") ?? [], rows: 1, "coefficients")
      let rho = try node.constant(try node.offsets(1), "rho")
      let x = try node.kernelValues(vectors: vectors)
      var score = try node.products(x, coefficients, rho)
      if isOneClass {
        let zero = try node.constant(0, like: score, "zero")
        let isInside = node.intermediate(.binary(.greater), [score, zero], "isInside")
        score = node.intermediate(
          .select,
          [
            isInside, try node.constant(1, like: score, "inside"),
            try node.constant(-1, like: score, "outside"),
          ],
          "side")
      }
      try node.emit(.identity, [try node.transformed(score, transform)])
    },
    "SVMClassifier": OperatorImport(1...1, classifier),
  ]

  private static func classifier(_ node: NodeImport) throws {
    let labels = try node.classLabels("classlabels_ints")
    let transform = try node.postTransform()
    let perClass = try node.integers("vectors_per_class") ?? []
    let coefficients = try node.floats("coefficients") ?? []
    guard !perClass.isEmpty else {
      // A linear machine, with a score for each class.
      node.ignore("support_vectors", "prob_a", "prob_b")
      let x = try node.kernelValues(vectors: 0)
      let weights = try node.matrix(coefficients, rows: labels.count, "coefficients")
      let rho = [Float](repeating: try node.offsets(1)[0], count: labels.count)
      let scores = try node.products(x, weights, try node.constant(rho, "rho"))
      return try node.emitClasses(
        try node.topLabel(scores, labels), scores: try node.transformed(scores, transform))
    }
    try node.check(perClass.count, "vectors_per_class", labels.count)
    guard labels.count >= 2 else { throw NodeImport.UnsupportedForm(reason: "one class") }
    let pairs = try ClassPairs(node, perClass)
    let rho = try node.constant(try node.offsets(pairs.count), "rho")
    let kernels = try node.kernelValues(vectors: pairs.vectors)
    let decisions = try node.products(kernels, try pairs.weights(node, coefficients), rho)
    let label = try node.topLabel(try pairs.votes(node, decisions), labels)
    if let probabilities = try node.pairProbabilities(decisions, pairs.count) {
      let scores = node.intermediate(
        .pairwiseCoupling(classes: labels.count), [probabilities], "probabilities")
      return try node.emitClasses(label, scores: try node.transformed(scores, transform))
    }
    try node.emitClasses(
      label,
      scores: labels.count == 2
        ? try node.twoScores(decisions, transform, addUpToOne: transform != .none)
        : try node.transformed(decisions, transform))
  }
}

extension NodeImport {
  /// The first `count` of `rho`.
  fileprivate func offsets(_ count: Int) throws -> [Float] {
    let rho = try floats("rho") ?? []
    guard rho.count >= count else {
      throw malformed("has \(rho.count) numbers in 'rho', where \(count) are needed")
    }
    return Array(rho.prefix(count))
  }

  /// The kernel function of each row and each support vector; the features themselves if there are no vectors, which makes
  /// the machine linear.
  fileprivate func kernelValues(vectors: Int) throws -> ValueID {
    let x = try floatRows(try operand(0))
    let kind = try text("kernel_type") ?? "LINEAR"
    let parameters = try floats("kernel_params") ?? []
    guard parameters.isEmpty || parameters.count >= 3 else {
      throw malformed("has \(parameters.count) numbers in 'kernel_params', where 3 are expected")
    }
    guard vectors > 0 else {
      ignore("support_vectors")
      return x
    }
    let support = try matrix(try floats("support_vectors") ?? [], rows: vectors, "support_vectors")
    let (gamma, offset, degree) =
      parameters.isEmpty ? (0, 0, 0) : (Double(parameters[0]), Double(parameters[1]), Double(parameters[2]))
    func number(_ value: Double, _ suffix: String) throws -> ValueID { try constant(value, like: x, suffix) }
    func sloped() throws -> ValueID {
      let dot = try products(x, support, nil)
      let scaled = intermediate(.binary(.multiply), [dot, try number(gamma, "gamma")], "scaled")
      return intermediate(.binary(.add), [scaled, try number(offset, "offset")], "sloped")
    }
    switch kind {
    case "LINEAR": return try products(x, support, nil)
    case "POLY": return intermediate(.binary(.power), [try sloped(), try number(degree, "degree")], "kernel")
    case "SIGMOID": return intermediate(.unary(.tanh), [try sloped()], "kernel")
    case "RBF":
      let distance = intermediate(.squaredDistance, [x, support], "distance")
      let scaled = intermediate(.binary(.multiply), [distance, try number(-gamma, "gamma")], "scaled")
      return intermediate(.unary(.exponential), [scaled], "kernel")
    default: throw UnsupportedForm(reason: "kernel_type '\(shown(kind))'")
    }
  }

  /// The probability of the first class of each pair, which Platt's sigmoid makes of the decisions; `nil` without `prob_a`.
  fileprivate func pairProbabilities(_ decisions: ValueID, _ pairs: Int) throws -> ValueID? {
    let (a, b) = (try floats("prob_a") ?? [], try floats("prob_b") ?? [])
    try check(b.count, "prob_b", a.count)
    guard !a.isEmpty else { return nil }
    guard a.count >= pairs else {
      throw malformed("has \(a.count) numbers in 'prob_a', where \(pairs) are needed")
    }
    // 1 − σ(a·s + b) = σ(−a·s − b).
    let slope = try constant(a.prefix(pairs).map { -$0 }, "slope")
    let shift = try constant(b.prefix(pairs).map { -$0 }, "shift")
    let scaled = intermediate(.binary(.multiply), [decisions, slope], "plattScaled")
    let moved = intermediate(.binary(.add), [scaled, shift], "plattShifted")
    let probability = intermediate(.unary(.sigmoid), [moved], "pairProbability")
    let least = Double(Float(1e-7))
    return intermediate(
      .unary(.clip(minimum: least, maximum: Double(1 - Float(1e-7)))), [probability], "pairProbabilities")
  }
}
