import ModelGraph
import Tensors

/// `y = x · scale + shift` per channel, in double precision. Each has one element, or one for every channel.
struct ChannelAffine: Equatable {
  var scale: [Double] = [1]
  var shift: [Double] = [0]

  /// The function of a `batchNormalization` node with known parameters.
  init?(batchNormalization node: Node, in rewriter: Rewriter) {
    guard let epsilon = node.op.as(BatchNormalization.self)?.epsilon, node.inputs.count == 5 else {
      return nil
    }
    let parameters = node.inputs.dropFirst().compactMap { rewriter.tensor($0)?.float32Elements }
    guard parameters.count == 4, Set(parameters.map(\.count)).count == 1 else { return nil }
    let (gamma, beta, mean, variance) = (parameters[0], parameters[1], parameters[2], parameters[3])
    let scale = zip(gamma, variance).map { $0 / ($1 + epsilon).squareRoot() }
    self.scale = scale
    shift = beta.indices.map { beta[$0] - mean[$0] * scale[$0] }
    guard (scale + shift).allSatisfy(\.isFinite) else { return nil }
  }

  /// The function that an addition, subtraction, multiplication or division with a constant applies to its
  /// other operand `x`.
  /// - Parameters:
  ///   - rank: the number of axes of x.
  ///   - axis: the axis of x that is its channels, of which there are `channels`.
  init?(arithmetic node: Node, on x: ValueID, rank: Int, axis: Int, channels: Int, in rewriter: Rewriter) {
    guard let function = node.op.as(Binary.self)?.function, node.inputs.count == 2,
      let first = node.inputs[0], let second = node.inputs[1], first != second, first == x || second == x,
      let constant = rewriter.tensor(first == x ? second : first),
      let values = constant.values(alongAxis: axis, of: rank, size: channels)
    else { return nil }
    switch (function, first == x) {
    case (.add, _): shift = values
    case (.subtract, true): shift = values.map { -$0 }
    case (.subtract, false):
      scale = [-1]
      shift = values
    case (.multiply, _): scale = values
    case (.divide, true): scale = values.map { 1 / $0 }
    default: return nil
    }
    guard (scale + shift).allSatisfy(\.isFinite) else { return nil }
  }

  /// True if x is shifted but not scaled.
  var onlyShifts: Bool { scale.allSatisfy { $0 == 1 } }

  func scale(of channel: Int) -> Double { scale.count == 1 ? scale[0] : scale[channel] }
  func shift(of channel: Int) -> Double { shift.count == 1 ? shift[0] : shift[channel] }

  /// A bias through this function: bias · scale + shift, rounded once.
  func applied(toBias bias: [Double]?, channels: Int) -> [Float] {
    (0..<channels).map { channel in
      let old = bias.map { $0.count == 1 ? $0[0] : $0[channel] } ?? 0
      return Float(old * scale(of: channel) + shift(of: channel))
    }
  }
}

extension Tensor {
  /// The elements of a `float32` tensor, widened.
  var float32Elements: [Double]? {
    elementType == .float32 ? floats?.map { Double($0) } : nil
  }

  /// The elements of a `float32` constant that broadcasts along one axis alone, without making the other operand larger:
  /// one, or `size` of them.
  func values(alongAxis axis: Int, of rank: Int, size: Int) -> [Double]? {
    guard shape.rank <= rank, elementType == .float32, [1, size].contains(shape.elementCount) else {
      return nil
    }
    for (index, dim) in shape.dims.enumerated() where dim != 1 {
      guard index + rank - shape.rank == axis, dim == size else { return nil }
    }
    return float32Elements
  }

  /// A `float32` tensor with every element multiplied by the factor of its index, rounded once.
  ///
  /// The indices are those of a tensor of `[outer, channels, inner]`; `factor` is given outer and channel.
  func scaled(outer: Int, channels: Int, inner: Int, by factor: (Int, Int) -> Double) throws -> Tensor {
    try Tensor(elementType: .float32, shape: shape) { memory in
      withUnsafeBytes { bytes in
        var offset = 0
        for block in 0..<outer {
          for channel in 0..<channels {
            let factor = factor(block, channel)
            for _ in 0..<inner {
              let value = Double(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)) * factor
              memory.storeBytes(of: Float(value), toByteOffset: offset, as: Float.self)
              offset += 4
            }
          }
        }
      }
    }
  }
}
