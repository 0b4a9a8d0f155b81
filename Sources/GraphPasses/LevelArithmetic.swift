import ModelGraph
import Tensors

extension Pass {
  /// Computes with 8-bit levels where a graph dequantises two values, adds or multiplies them, and quantises the result, perhaps
  /// behind an activation; and where it applies an affine function by channel to one value.
  public static let levelArithmetic = Pass(name: "level arithmetic", kind: .fusion) { graph, _ in
    try Rewriter.rewrite(&graph) { rewriter, index in
      guard let quantizer = rewriter.quantizer(index), let x = rewriter[index].inputs[0] else { return false }
      var source = x
      var range = QuantizedRange(isSigned: quantizer.isSigned)
      if rewriter.isReadOnce(x), let (function, argument) = rewriter.unary(x),
        let limited = function.limits(
          scale: quantizer.step, zero: quantizer.zero, isSigned: quantizer.isSigned)
      {
        (source, range) = (argument, limited)
      }
      return try rewriter.combineLevels(index, source, quantizer, range)
        || rewriter.scaleLevels(index, source, quantizer, range)
    }
  }
}

/// A `Quantize` to 8-bit levels of one scale and zero point, which are constants.
struct Quantizer {
  var isSigned: Bool
  var step: Float
  var zero: Int
}

extension Rewriter {
  /// The node at `index` as a ``Quantizer``; `nil` if it is none.
  func quantizer(_ index: Int) -> Quantizer? {
    let node = self[index]
    guard let quantize = node.op.as(Quantize.self), quantize.target == .int8 || quantize.target == .uint8,
      node.postOps.isEmpty, let step = tensor(node.inputs[1])?.floats, step.count == 1, step[0].isFinite,
      step[0] > 0, let zero = integer(node.inputs.count > 2 ? node.inputs[2] : nil)
    else { return nil }
    return Quantizer(isSigned: quantize.target == .int8, step: step[0], zero: zero)
  }

  /// The 8-bit levels of one scale that `id` is dequantised from, other than constants.
  private func levels(_ id: ValueID?) -> (levels: ValueID, steps: LevelSteps)? {
    guard let value = dequantized(id), value.scale.count == 1, value.type == .int8 || value.type == .uint8,
      tensor(value.integers) == nil, let zero = integer(value.zeroPoint)
    else { return nil }
    return (value.integers, LevelSteps(scale: Double(value.scale[0]), zero: zero))
  }

  fileprivate mutating func combineLevels(
    _ index: Int, _ source: ValueID, _ quantizer: Quantizer, _ range: QuantizedRange
  ) throws -> Bool {
    guard isReadOnce(source), let node = maker(of: source)?.node, node.postOps.isEmpty,
      let function = node.op.as(Binary.self)?.function, LevelArithmetic.supports(function),
      node.inputs.count == 2, let a = levels(node.inputs[0]), let b = levels(node.inputs[1]),
      let dimensions = type(a.levels)?.dimensions, dimensions == type(b.levels)?.dimensions,
      // Sizes of which nothing is known may differ: such operands broadcast.
      !dimensions.contains(.unknown)
    else { return false }
    let arithmetic = LevelArithmetic(
      function: function, a: a.steps, b: b.steps,
      result: LevelSteps(scale: Double(quantizer.step), zero: quantizer.zero), range: range)
    replace(
      index,
      with: Node(
        name: node.name, op: .levelArithmetic(arithmetic), inputs: [a.levels, b.levels],
        outputs: self[index].outputs))
    return true
  }

  /// Applies an affine function of more than one channel to levels.
  fileprivate mutating func scaleLevels(
    _ index: Int, _ source: ValueID, _ quantizer: Quantizer, _ range: QuantizedRange
  ) throws -> Bool {
    guard let dimensions = type(source)?.dimensions, dimensions.count >= 2 else { return false }
    let rank = dimensions.count
    for axis in rank == 2 ? [1] : [1, rank - 1] {
      guard let channels = dimensions[axis].size, channels > 1,
        let (affine, from) = affine(source, rank: rank, axis: axis, channels: channels),
        affine.scale.count == channels || affine.shift.count == channels, let x = levels(from),
        // Constants may give an axis of one element more.
        type(x.levels)?.dimensions == dimensions
      else { continue }
      let (step, scale) = (Double(quantizer.step), x.steps.scale)
      let factors = (0..<channels).map { Float(scale * affine.scale(of: $0) / step) }
      let shifts = (0..<channels).map { channel in
        Float(
          (affine.shift(of: channel) - scale * Double(x.steps.zero) * affine.scale(of: channel)) / step)
      }
      guard (factors + shifts).allSatisfy(\.isFinite) else { continue }
      let name = self[index].name
      let shape = try Shape(checking: [channels])
      let factor = addConstant("\(name)/factor", try Tensor(factors, shape: shape))
      let shift = addConstant("\(name)/shift", try Tensor(shifts, shape: shape))
      replace(
        index,
        with: Node(
          name: name, op: .levelAffine(axis: axis, zero: quantizer.zero, range: range),
          inputs: [x.levels, factor, shift], outputs: self[index].outputs))
      return true
    }
    return false
  }

  /// `id` as an affine function of a dequantised value, through normalisations and arithmetic with constants that nothing else reads.
  private func affine(_ id: ValueID, rank: Int, axis: Int, channels: Int) -> (ChannelAffine, from: ValueID)? {
    var steps: [ChannelAffine] = []
    var place = id
    while dequantized(place) == nil {
      guard steps.count < 4, isReadOnce(place), let node = maker(of: place)?.node, node.postOps.isEmpty else {
        return nil
      }
      var next: ValueID?
      var step: ChannelAffine?
      if node.op.is(BatchNormalization.self), axis == 1 {
        (next, step) = (node.inputs[0], ChannelAffine(batchNormalization: node, in: self))
      } else if node.op.is(Binary.self) {
        next = node.inputs.compactMap { $0 }.first { tensor($0) == nil }
        step = next.flatMap {
          ChannelAffine(arithmetic: node, on: $0, rank: rank, axis: axis, channels: channels, in: self)
        }
      }
      guard let step, let next, type(next)?.dimensions?.count == rank else { return nil }
      steps.append(step)
      place = next
    }
    guard var whole = steps.last else { return nil }
    for step in steps.dropLast().reversed() {
      var (scale, shift) = ([Double](), [Double]())
      for channel in 0..<channels {
        scale.append(whole.scale(of: channel) * step.scale(of: channel))
        shift.append(whole.shift(of: channel) * step.scale(of: channel) + step.shift(of: channel))
      }
      (whole.scale, whole.shift) = (scale, shift)
    }
    return (whole, place)
  }
}
