import Tensors

/// The computation of a node. Opset differences are gone: if ONNX moved an attribute to an input, the input
/// is used.
///
/// Operand lists are those of the newest ONNX operator of that name (`https://onnx.ai/onnx/operators/`)
/// unless stated.
public indirect enum Op: Sendable, Equatable, Codable {
  // Element-wise. Operands broadcast as in NumPy.
  case unary(UnaryFunction)
  case binary(BinaryFunction)
  /// ONNX `Where`: condition, then, otherwise.
  case select
  case cast(ElementType)

  // Linear algebra.
  /// Operands: x, w, bias (optional).
  case convolution(Convolution)
  /// ONNX `ConvTranspose`: x, w, bias (optional).
  case deconvolution(Deconvolution)
  /// `MatMul` and `Gemm`: a, b, bias (optional, broadcast to the result, already times beta).
  case matrixMultiply(MatrixMultiply)
  /// ONNX `LSTM`: x, w, r, b, sequence_lens, initial_h, initial_c, p (all after r optional). Results: y, y_h, y_c.
  case lstm(Recurrent)
  /// ONNX `GRU`: x, w, r, b, sequence_lens, initial_h. Results: y, y_h.
  case gru(Recurrent)

  // Windows and normalisation.
  case pool(Pool)
  /// Inference form: x, scale, bias, mean, variance.
  case batchNormalization(epsilon: Double)
  /// x, scale, bias (optional), over the axes from `axis` to the last.
  case layerNormalization(axis: Int, epsilon: Double)
  /// x, scale, bias, over the spatial axes of each channel of each image.
  case instanceNormalization(epsilon: Double)
  /// x, scale (per channel), bias.
  case groupNormalization(groups: Int, epsilon: Double)
  /// ONNX `LRN` across channels.
  case localResponseNormalization(LocalResponse)
  case softmax(axis: Int)
  case logSoftmax(axis: Int)
  /// x, axes (optional; absent means all, or none with `noopWithEmptyAxes`).
  case reduce(Reduction, keepDimensions: Bool, noopWithEmptyAxes: Bool)
  /// ONNX `ArgMax`/`ArgMin`: results are int64.
  case argumentOf(Extremum, axis: Int, keepDimensions: Bool, selectLastIndex: Bool)
  /// x, k. Results: values, indices.
  case topK(axis: Int, largest: Bool, sorted: Bool)
  /// x, axis.
  case cumulativeSum(exclusive: Bool, reverse: Bool)
  /// x, roi (optional), scales (optional), sizes (optional).
  case resize(Resize)

  // Movement.
  case identity
  case concat(axis: Int)
  /// x, sizes (optional: equal parts, as many as there are results).
  case split(axis: Int)
  /// x, starts, ends, axes (optional), steps (optional).
  case slice
  /// data, indices.
  case gather(axis: Int)
  case gatherElements(axis: Int)
  case gatherND(batchDimensions: Int)
  /// data, indices, updates.
  case scatterND(ScatterReduction)
  case scatterElements(axis: Int, ScatterReduction)
  /// The result's axis `i` is the operand's axis `permutation[i]`; an empty permutation reverses them.
  case transpose(permutation: [Int])
  /// x, shape (−1 infers; 0 copies unless `allowZero`).
  case reshape(allowZero: Bool)
  case flatten(axis: Int)
  /// x, axes (optional for squeeze).
  case squeeze, unsqueeze
  /// x, shape.
  case expand
  /// x, repeats.
  case tile
  /// x, pads, value (optional), axes (optional).
  case pad(PadMode)
  case depthToSpace(blockSize: Int, columnRowDepth: Bool)
  case spaceToDepth(blockSize: Int)
  /// x, k (optional).
  case triangular(upper: Bool)
  /// ONNX `EyeLike`-free one-hot: indices, depth, values.
  case oneHot(axis: Int)

  // Shapes as data.
  case shape(start: Int, end: Int?)
  case size
  /// shape; every element is `value`.
  case constantOfShape(value: Tensor)
  /// start, limit, delta.
  case range
  case nonZero

  // Control flow.
  /// ONNX `If`: condition, then what either branch captures. Both branches have the same inputs, in that order.
  case conditional(then: Graph, otherwise: Graph)
}

/// A function of one element.
public enum UnaryFunction: Sendable, Hashable, Codable {
  case absolute, negate, exponential, logarithm, squareRoot, reciprocal, floor, ceiling, round, sign
  case errorFunction, sine, cosine, tangent, arcSine, arcCosine, arcTangent, hyperbolicSine, hyperbolicCosine
  case tanh, sigmoid, relu, softplus, softsign, mish
  case leakyRelu(slope: Double), elu(alpha: Double), celu(alpha: Double), selu(alpha: Double, gamma: Double)
  case thresholdedRelu(alpha: Double)
  /// max(0, min(1, alpha·x + beta)).
  case hardSigmoid(alpha: Double, beta: Double)
  /// x · max(0, min(1, x/6 + 1/2)).
  case hardSwish
  /// x · sigmoid(x).
  case silu
  /// `approximate` is the tanh form.
  case gelu(approximate: Bool)
  /// Bounds are finite, or infinite where ONNX leaves one out.
  case clip(minimum: Double, maximum: Double)
  case logicalNot, bitwiseNot, isNaN, isInfinite
}

/// A function of two elements.
public enum BinaryFunction: String, Sendable, Hashable, Codable {
  case add, subtract, multiply, divide, power, maximum, minimum
  /// ONNX `Mod` with `fmod` = 0 (sign of the divisor) and 1 (sign of the dividend).
  case modulo, remainder
  /// x where x ≥ 0, else slope · x.
  case parametricRelu
  case equal, less, lessOrEqual, greater, greaterOrEqual, and, or, exclusiveOr
  case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight

  /// True when the result is `bool` whatever the operands are.
  public var isPredicate: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .exclusiveOr: true
    default: false
    }
  }
}

/// The amount added around an image.
public enum Padding: Sendable, Hashable, Codable {
  /// Begins of every spatial axis, then ends.
  case explicit([Int])
  /// As much that the output is ⌈input/stride⌉, the odd one after / before the image.
  case sameUpper, sameLower
}

/// ONNX `Conv`, any number of spatial axes, NCHW.
public struct Convolution: Sendable, Hashable, Codable {
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var groups: Int

  public init(strides: [Int], dilations: [Int], padding: Padding, groups: Int) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
  }
}

/// ONNX `ConvTranspose`.
public struct Deconvolution: Sendable, Hashable, Codable {
  public var window: Convolution
  public var outputPadding: [Int]
  /// Spatial sizes of the result when the model gives them (padding then follows).
  public var outputShape: [Int]?

  public init(window: Convolution, outputPadding: [Int], outputShape: [Int]?) {
    self.window = window
    self.outputPadding = outputPadding
    self.outputShape = outputShape
  }
}

/// `alpha · op(a) × op(b)`, batched as NumPy's matmul; the transposes swap the last two axes.
public struct MatrixMultiply: Sendable, Hashable, Codable {
  public var transposeA: Bool
  public var transposeB: Bool
  public var alpha: Double

  public init(transposeA: Bool = false, transposeB: Bool = false, alpha: Double = 1) {
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.alpha = alpha
  }
}

/// ONNX `LSTM` and `GRU` with the default activations; anything else is refused when the model is read.
public struct Recurrent: Sendable, Hashable, Codable {
  public enum Direction: String, Sendable, Hashable, Codable { case forward, reverse, bidirectional }
  public var hiddenSize: Int
  public var direction: Direction
  /// Batch before time.
  public var batchFirst: Bool
  public var linearBeforeReset: Bool
  public var clip: Double?

  public init(
    hiddenSize: Int, direction: Direction, batchFirst: Bool = false, linearBeforeReset: Bool = false,
    clip: Double? = nil
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    self.batchFirst = batchFirst
    self.linearBeforeReset = linearBeforeReset
    self.clip = clip
  }
}

/// `MaxPool`, `AveragePool`, `LpPool` is not here; the global pools have no window.
public struct Pool: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Hashable, Codable {
    case maximum, average, averageIncludingPadding
  }
  public var kind: Kind
  /// `nil`: the window is the whole image (global pooling).
  public var window: [Int]?
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var ceilingMode: Bool

  public init(
    kind: Kind, window: [Int]?, strides: [Int], dilations: [Int], padding: Padding, ceilingMode: Bool = false
  ) {
    self.kind = kind
    self.window = window
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.ceilingMode = ceilingMode
  }
}

/// ONNX `LRN`.
public struct LocalResponse: Sendable, Hashable, Codable {
  public var size: Int
  public var alpha: Double
  public var beta: Double
  public var bias: Double

  public init(size: Int, alpha: Double, beta: Double, bias: Double) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }
}

/// The function that a reduction computes over its axes.
public enum Reduction: String, Sendable, Hashable, Codable {
  case sum, mean, maximum, minimum, product, sumOfSquares, l1, l2, logSum, logSumExp
}

/// The extremum that `argumentOf` looks for.
public enum Extremum: String, Sendable, Hashable, Codable { case maximum, minimum }

/// The combination of several updates that hit one element.
public enum ScatterReduction: String, Sendable, Hashable, Codable {
  case replace, add, multiply, maximum, minimum
}

/// The elements that surround a padded tensor.
public enum PadMode: String, Sendable, Hashable, Codable { case constant, reflect, edge, wrap }

/// ONNX `Resize` and `Upsample`.
public struct Resize: Sendable, Hashable, Codable {
  public enum Mode: String, Sendable, Hashable, Codable { case nearest, linear, cubic }
  public enum Coordinates: String, Sendable, Hashable, Codable {
    case halfPixel, pytorchHalfPixel, alignCorners, asymmetric, halfPixelSymmetric, tfCropAndResize
  }
  public enum Rounding: String, Sendable, Hashable, Codable {
    case preferFloor, preferCeiling, floor, ceiling
  }
  public enum AspectRatio: String, Sendable, Hashable, Codable { case stretch, notLarger, notSmaller }
  public var mode: Mode
  public var coordinates: Coordinates
  public var rounding: Rounding
  public var cubicCoefficient: Double
  public var excludeOutside: Bool
  public var extrapolationValue: Double
  public var antialias: Bool
  /// The axes that scales and sizes speak of; `nil`: all.
  public var axes: [Int]?
  public var aspectRatio: AspectRatio

  public init(
    mode: Mode, coordinates: Coordinates = .halfPixel, rounding: Rounding = .preferFloor,
    cubicCoefficient: Double = -0.75, excludeOutside: Bool = false, extrapolationValue: Double = 0,
    antialias: Bool = false, axes: [Int]? = nil, aspectRatio: AspectRatio = .stretch
  ) {
    self.mode = mode
    self.coordinates = coordinates
    self.rounding = rounding
    self.cubicCoefficient = cubicCoefficient
    self.excludeOutside = excludeOutside
    self.extrapolationValue = extrapolationValue
    self.antialias = antialias
    self.axes = axes
    self.aspectRatio = aspectRatio
  }
}
