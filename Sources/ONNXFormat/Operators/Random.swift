import ModelGraph
import Tensors

extension OperatorImport {
  /// Random numbers. They follow from the seed: an attribute or, without one, the node's name.
  static let randomOperators: [String: OperatorImport] = [
    "RandomUniform": OperatorImport(0...0) { node in
      try node.emit(randomUniform, type: node.randomType(), shape: node.randomShape())
    },
    "RandomUniformLike": OperatorImport(1...1) { node in
      let x = try node.operand(0)
      try node.emit(randomUniform, type: node.randomType(like: x), shape: node.shape(x))
    },
    "RandomNormal": OperatorImport(0...0) { node in
      try node.emit(randomNormal, type: node.randomType(), shape: node.randomShape())
    },
    "RandomNormalLike": OperatorImport(1...1) { node in
      let x = try node.operand(0)
      try node.emit(randomNormal, type: node.randomType(like: x), shape: node.shape(x))
    },
    // https://onnx.ai/onnx/operators/onnx__Bernoulli.html: 1 with the probability that the operand is.
    "Bernoulli": OperatorImport(1...1, since: 15) { node in
      let x = try node.operand(0)
      let type = try node.integer("dtype").map(node.elementType(number:)) ?? node.knownType(x)
      let (wide, numbers) = try node.unitNumbers(for: x, seed: try node.floatSeed())
      try node.emit(.cast(type), [node.intermediate(.binary(.less), [numbers, wide], "drawn")])
    },
    "Multinomial": OperatorImport(1...1, since: 7) { node in
      let type = try node.elementType(number: try node.integer("dtype", default: 6))
      guard type == .int32 || type == .int64 else { throw node.malformed("draws classes as \(type)") }
      let samples = try node.integer("sample_size", in: 0...NodeImport.largest, default: 1)
      try node.emit(
        .randomClasses(samples: samples, seed: try node.floatSeed(), type), [try node.operand(0)])
    },
  ]

  private static func randomUniform(_ node: NodeImport, _ type: ElementType) throws -> Op {
    let bounds = (low: try node.float("low", default: 0), high: try node.float("high", default: 1))
    return .random(uniform: bounds, seed: try node.floatSeed(), type)
  }

  private static func randomNormal(_ node: NodeImport, _ type: ElementType) throws -> Op {
    .random(
      mean: try node.float("mean", default: 0), deviation: try node.float("scale", default: 1),
      seed: try node.floatSeed(), type)
  }

  /// Dropout in training mode: `x · mask / (1 − ratio)`. Outside of that mode the ratio is 0, which keeps every element.
  static func trainingDropout(_ node: NodeImport) throws {
    let x = try node.operand(0)
    var ratio = try node.optional(1) ?? node.constant(0.5, like: x, "ratio")
    if node.tensor(ratio) != nil {
      guard let number = node.scalar(ratio), (0..<1).contains(number) else {
        throw node.malformed("has a ratio that is not at least 0 and less than 1")
      }
    }
    let type = try node.knownType(x)
    let real: ElementType = type == .float64 ? .float64 : .float32
    let (wide, numbers) = try node.unitNumbers(for: x, seed: try node.seed(try node.integer("seed")))
    ratio = node.converted(ratio, to: real, "ratio/wide")
    let zero = try node.constant(0, like: wide, "zero")
    let training = try node.operand(2)
    ratio = node.intermediate(.select, [training, ratio, zero], "ratio/used")
    let one = try node.constant(1, like: wide, "one")
    let kept = node.intermediate(.binary(.subtract), [one, ratio], "kept")
    let scaled = node.intermediate(.binary(.divide), [wide, kept], "scaled")
    let outputs = node.proto.output
    let mask = node.intermediate(.binary(.greaterOrEqual), [numbers, ratio], "mask")
    if outputs.count == 2, !outputs[1].isEmpty { try node.emit(result: 1, .identity, [mask]) }
    if outputs.isEmpty || outputs[0].isEmpty { return }
    let factors = node.intermediate(.cast(real), [mask], "factors")
    let product = node.intermediate(.binary(.multiply), [scaled, factors], "product")
    try node.emit(result: 0, type == real ? .identity : .cast(type), [product])
  }
}

extension NodeImport {
  /// Makes the node that gives the file's result.
  fileprivate func emit(
    _ op: (NodeImport, ElementType) throws -> Op, type: ElementType, shape: ValueID
  ) throws {
    try emit(try op(self, type), [shape])
  }

  fileprivate func shape(_ x: ValueID) -> ValueID { intermediate(.shape(start: 0, end: nil), [x], "shape") }

  fileprivate func randomShape() throws -> ValueID {
    guard let sizes = try integers("shape", in: 0...NodeImport.largest, count: nil) else {
      throw malformed("lacks the attribute 'shape'")
    }
    return try constant(sizes, "shape")
  }

  /// The element type that the attribute `dtype` names or, without it, the operand's; float32 without either.
  fileprivate func randomType(like x: ValueID? = nil) throws -> ElementType {
    let type = try integer("dtype").map(elementType(number:)) ?? x.map(knownType) ?? .float32
    guard [.float16, .bfloat16, .float32, .float64].contains(type) else {
      throw malformed("makes random numbers of type \(type)")
    }
    return type
  }

  fileprivate func knownType(_ x: ValueID) throws -> ElementType {
    guard let type = elementType(x) else {
      throw UnsupportedForm(reason: "the element type of its operand cannot be told from the file")
    }
    return type
  }

  /// The operand as floats or doubles, and a number from 0 to less than 1 for each of its elements.
  fileprivate func unitNumbers(for x: ValueID, seed: Int) throws -> (wide: ValueID, numbers: ValueID) {
    let type: ElementType = try knownType(x) == .float64 ? .float64 : .float32
    let op = Op.random(uniform: (low: 0, high: 1), seed: seed, type)
    return (converted(x, to: type, "wide"), intermediate(op, [shape(x)], "numbers"))
  }

  /// The seed of an operator whose attribute `seed` is a float.
  fileprivate func floatSeed() throws -> Int {
    try seed(try attributeFloat("seed").map { Int($0.bitPattern) })
  }

  /// The given seed or, without one, the hash of the node's name (FNV-1a): nodes differ, and a model gives the same numbers
  /// wherever it is added.
  fileprivate func seed(_ given: Int?) throws -> Int {
    guard !graph.isRepeated else {
      throw UnsupportedForm(reason: "in a loop, since every round would draw the same numbers")
    }
    let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return given ?? Int(truncatingIfNeeded: hash)
  }
}
