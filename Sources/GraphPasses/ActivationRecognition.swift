import ModelGraph

extension Pass {
  /// Finds activation functions that a model spells out, and makes one node of each:
  ///
  /// | written | becomes |
  /// |---|---|
  /// | x · sigmoid(x) | `silu` |
  /// | x · tanh(softplus(x)) | `mish` |
  /// | clip(x + 3, 0, 6) / 6, clip(α·x + β, 0, 1) | `hardSigmoid` |
  /// | x · clip(x + 3, 0, 6) / 6, x · hardSigmoid(x) with α = 1/6, β = 1/2 | `hardSwish` |
  /// | x/2 · (1 + erf(x/√2)) | `gelu` |
  /// | x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³))) | `gelu` (approximate) |
  ///
  /// Factors may come in any order and grouping, quotients as products.
  public static let activationRecognition = Pass(name: "activation recognition", kind: .fusion) { graph, _ in
    Rewriter.rewrite(&graph) { rewriter, index in
      guard let (function, argument) = rewriter.activation(at: index) else { return false }
      var node = rewriter[index]
      node.op = .unary(function)
      node.inputs = [argument]
      rewriter.replace(index, with: node)
      return true
    }
  }
}

extension Rewriter {
  /// The activation function that the node at `index` finishes, and what it is applied to.
  fileprivate func activation(at index: Int) -> (UnaryFunction, ValueID)? {
    let node = self[index]
    guard node.postOps.isEmpty, node.outputs.count == 1, let result = node.outputs[0] else { return nil }
    if let unary = node.op.as(Unary.self) {
      return unary.function == .clip(minimum: 0, maximum: 1) ? clippedLine(node.inputs.first ?? nil) : nil
    }
    guard let function = node.op.as(Binary.self)?.function, [.multiply, .divide].contains(function) else {
      return nil
    }
    for factor in Set(product(result).factors).sorted() {
      for gate in gates(factor) {
        let whole = product(result, stoppingAt: gate.argument)
        let expected = gate.isGated ? [gate.argument, factor] : [factor]
        guard whole.coefficient.isAbout(gate.coefficient), whole.factors.sorted() == expected.sorted(),
          keepsRank(of: gate.argument, whole.constantRank)
        else { continue }
        return (gate.function, gate.argument)
      }
    }
    return nil
  }

  /// A value f(x), and the activation that `coefficient · x · f(x)` (`coefficient · f(x)` when not gated) is.
  private struct Gate {
    var function: UnaryFunction
    var argument: ValueID
    var coefficient = 1.0
    var isGated = true
  }

  private func gates(_ factor: ValueID) -> [Gate] {
    if let (function, argument) = unary(factor) {
      switch function {
      case .sigmoid: return [Gate(function: .silu, argument: argument)]
      case .hardSigmoid(let alpha, let beta) where alpha.isAbout(1 / 6) && beta.isAbout(0.5):
        return [Gate(function: .hardSwish, argument: argument)]
      case .tanh:
        guard case (.softplus, let x)? = unary(argument) else { return [] }
        return [Gate(function: .mish, argument: x)]
      case .clip(minimum: 0, maximum: 6):
        guard let (x, addend, rank) = sum(argument), addend == 3, keepsRank(of: x, rank) else { return [] }
        return [
          Gate(function: .hardSwish, argument: x, coefficient: 1 / 6),
          Gate(
            function: .hardSigmoid(alpha: 1 / 6, beta: 0.5), argument: x, coefficient: 1 / 6, isGated: false),
        ]
      default: return []
      }
    }
    guard let (inner, one, rank) = sum(factor), one == 1, let (function, argument) = unary(inner),
      keepsRank(of: inner, rank)
    else { return [] }
    switch function {
    case .errorFunction:
      let scaled = product(argument, limit: 1)
      guard scaled.factors.count == 1, scaled.coefficient.isAbout(0.5.squareRoot()),
        keepsRank(of: scaled.factors[0], scaled.constantRank)
      else { return [] }
      return [Gate(function: .gelu(approximate: false), argument: scaled.factors[0], coefficient: 0.5)]
    case .tanh:
      return cubic(argument).map {
        [Gate(function: .gelu(approximate: true), argument: $0, coefficient: 0.5)]
      }
        ?? []
    default: return []
    }
  }

  /// x where `id` is √(2/π) · (x + 0.044715·x³), or √(2/π) · x · (1 + 0.044715·x²).
  private func cubic(_ id: ValueID) -> ValueID? {
    let scale = (2 / Double.pi).squareRoot()
    let linear = product(id, limit: 1)
    if linear.factors.count == 1, linear.coefficient.isAbout(scale),
      let node = maker(of: linear.factors[0])?.node, node.op == .binary(.add), node.postOps.isEmpty,
      case let terms = node.inputs.compactMap({ $0 }), terms.count == 2
    {
      for (x, term) in [(terms[0], terms[1]), (terms[1], terms[0])]
      where isMonomial(term, of: x, power: 3) && keepsRank(of: x, linear.constantRank) {
        return x
      }
    }
    for factor in product(id).factors {
      guard let (square, one, rank) = sum(factor), one == 1 else { continue }
      for x in Set(product(square).factors)
      where isMonomial(square, of: x, power: 2) && keepsRank(of: x, rank) {
        let whole = product(id, stoppingAt: x)
        if whole.coefficient.isAbout(scale), whole.factors.sorted() == [x, factor].sorted(),
          keepsRank(of: x, whole.constantRank)
        {
          return x
        }
      }
    }
    return nil
  }

  /// Returns true if `id` is 0.044715 · x^power.
  private func isMonomial(_ id: ValueID, of x: ValueID, power: Int) -> Bool {
    let monomial = product(id, stoppingAt: x)
    return monomial.coefficient.isAbout(0.044715) && keepsRank(of: x, monomial.constantRank)
      && monomial.factors == [ValueID](repeating: x, count: power)
  }

  /// α and β where `id` is α·x + β: clipped to 0…1, a `hardSigmoid`.
  private func clippedLine(_ id: ValueID?) -> (UnaryFunction, ValueID)? {
    guard let (scaled, beta, rank) = sum(id) else { return nil }
    let line = product(scaled, limit: 1)
    guard line.factors.count == 1, keepsRank(of: line.factors[0], max(rank, line.constantRank)) else {
      return nil
    }
    return (.hardSigmoid(alpha: line.coefficient, beta: beta), line.factors[0])
  }

  /// Returns true if a constant of one element and this rank does not change the shape of `id`.
  func keepsRank(of id: ValueID, _ constantRank: Int) -> Bool {
    constantRank == 0 || (type(id)?.rank).map { $0 >= constantRank } ?? false
  }
}
