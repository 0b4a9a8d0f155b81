import ModelGraph
import Tensors

/// A function of the scores of `ai.onnx.ml`'s models.
enum PostTransform {
  case none, softmax, logistic, softmaxZero, probit
}

extension NodeImport {
  static let unknownFeatures = UnsupportedForm(
    reason: "the element type of its features cannot be told from the file")

  func postTransform() throws -> PostTransform {
    try choice(
      "post_transform", default: "NONE",
      [
        "NONE": PostTransform.none, "SOFTMAX": .softmax, "LOGISTIC": .logistic, "SOFTMAX_ZERO": .softmaxZero,
        "PROBIT": .probit,
      ])
  }

  /// The scores of each row, transformed.
  func transformed(_ scores: ValueID, _ transform: PostTransform) throws -> ValueID {
    switch transform {
    case .none: return scores
    case .softmax: return intermediate(.softmax(axis: -1), [scores], "softmax")
    case .logistic: return intermediate(.unary(.sigmoid), [scores], "logistic")
    case .softmaxZero: return try softmaxZero(scores)
    case .probit: return try probit(scores)
    }
  }

  /// The softmax of the scores that are not 0; those that are stay it. If all are, each becomes 1/2, as in ONNX's reference
  /// implementation.
  private func softmaxZero(_ scores: ValueID) throws -> ValueID {
    let axes = try constant([-1], "last")
    func reduced(_ reduction: Reduction, _ x: ValueID, _ suffix: String) -> ValueID {
      intermediate(.reduce(reduction, keepDimensions: true, noopWithEmptyAxes: false), [x, axes], suffix)
    }
    let zero = try constant(0, like: scores, "zero")
    let size = intermediate(.unary(.absolute), [scores], "size")
    let isZero = intermediate(
      .binary(.lessOrEqual), [size, try constant(1e-7, like: scores, "least")], "isZero")
    let shifted = intermediate(
      .binary(.subtract), [scores, reduced(.maximum, scores, "largest")], "shifted")
    let power = intermediate(.unary(.exponential), [shifted], "power")
    let powers = intermediate(.select, [isZero, zero, power], "powers")
    let sum = reduced(.sum, powers, "sum")
    let share = intermediate(.binary(.divide), [powers, sum], "share")
    let isEmpty = intermediate(.binary(.equal), [sum, zero], "isEmpty")
    return intermediate(.select, [isEmpty, try constant(0.5, like: scores, "half"), share], "shares")
  }

  /// √2 · erf⁻¹(2x − 1), with Winitzki's approximation of erf⁻¹, which ONNX's implementations use.
  private func probit(_ scores: ValueID) throws -> ValueID {
    func number(_ value: Double, _ suffix: String) throws -> ValueID {
      try constant(value, like: scores, suffix)
    }
    func binary(_ function: BinaryFunction, _ a: ValueID, _ b: ValueID, _ suffix: String) -> ValueID {
      intermediate(.binary(function), [a, b], suffix)
    }
    let (one, two, a) = (try number(1, "one"), try number(2, "two"), 0.147)
    let y = binary(.subtract, binary(.multiply, scores, two, "double"), one, "y")
    let product = binary(
      .multiply, binary(.subtract, one, y, "below"), binary(.add, one, y, "above"), "product")
    let log = intermediate(.unary(.logarithm), [product], "log")
    let half = binary(.multiply, log, try number(0.5, "half"), "halfLog")
    let p = binary(.add, half, try number(2 / (Double.pi * a), "offset"), "p")
    let q = binary(.multiply, log, try number(1 / a, "factor"), "q")
    let inner = binary(.subtract, binary(.multiply, p, p, "square"), q, "inner")
    let root = intermediate(.unary(.squareRoot), [inner], "root")
    let size = intermediate(.unary(.squareRoot), [binary(.subtract, root, p, "rest")], "size")
    let signed = binary(.multiply, size, intermediate(.unary(.sign), [y], "sign"), "signed")
    return binary(.multiply, signed, try number(2.0.squareRoot(), "rootOfTwo"), "probit")
  }
}

// MARK: Classes

extension NodeImport {
  /// The features as rows: one axis is one row.
  func featureRows(_ x: ValueID) throws -> ValueID {
    guard rank(x) == 1 else { return x }
    return intermediate(.unsqueeze, [x, try constant([0], "rowAxis")], "row")
  }

  /// The features as rows of floats.
  func floatRows(_ x: ValueID) throws -> ValueID {
    guard let type = elementType(x) else { throw Self.unknownFeatures }
    let rows = try featureRows(x)
    return type == .float32 ? rows : intermediate(.cast(.float32), [rows], "floats")
  }

  /// The scores of two classes from that of the second: the first one's is 1 − score, or −score. As in onnxruntime, they
  /// are transformed only by the functions of a single score.
  func twoScores(_ score: ValueID, _ transform: PostTransform, addUpToOne: Bool) throws -> ValueID {
    let isProbability = addUpToOne && transform != .logistic
    let other =
      isProbability || transform == .probit
      ? intermediate(.binary(.subtract), [try constant(1, like: score, "whole"), score], "other")
      : intermediate(.unary(.negate), [score], "other")
    let both = intermediate(.concat(axis: 1), [other, score], "both")
    switch transform {
    case .logistic, .probit: return try transformed(both, transform)
    case .none, .softmax, .softmaxZero: return both
    }
  }

  /// Makes the two results of a classifier: labels, and scores as floats.
  func emitClasses(_ label: ValueID, scores: ValueID) throws {
    func emitWanted(_ index: Int, _ op: Op, _ value: ValueID) throws {
      guard wants(index) else { return }
      try emit(result: index, op, [value])
    }
    try emitWanted(0, .identity, label)
    try emitWanted(1, .cast(.float32), scores)
  }
}
