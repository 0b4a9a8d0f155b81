import ModelGraph
import Tensors

/// A reason to leave weights as they are.
package enum SmallWeightsRefusal: Error, Equatable {
  case notFinite
  /// A weight is beyond the largest number of the form.
  case tooLarge

  /// The end of a sentence about the weights.
  func text(_ form: WeightForm) -> String {
    switch self {
    case .notFinite: "not all of them are finite"
    case .tooLarge: "some are larger than \(form.rawValue) holds"
    }
  }
}

/// A matrix of floats somewhere in a constant: rows of `outer` times `inner`, and columns.
package struct WeightMatrix {
  var outer: (count: Int, stride: Int)
  var inner: (count: Int, stride: Int)
  var columns: (count: Int, stride: Int)
  /// The number that all weights are multiplied by.
  var factor: Float

  package init(
    outer: (count: Int, stride: Int), inner: (count: Int, stride: Int), columns: (count: Int, stride: Int),
    factor: Float = 1
  ) {
    self.outer = outer
    self.inner = inner
    self.columns = columns
    self.factor = factor
  }

  var depth: Int { outer.count * inner.count }
}

/// Weights in a small form, and the scale of integers.
package struct SmallTensors {
  package var weights: Tensor
  package var scale: Tensor?
}

extension WeightMatrix {
  /// The matrix in panels, as ``SmallProduct`` takes it.
  /// - Parameter block: the rows of a column that have one scale.
  /// - Throws: ``SmallWeightsRefusal`` if the form cannot hold them.
  package func panels(of floats: UnsafePointer<Float>, as form: WeightForm, block: Int) throws -> SmallTensors
  {
    let (panels, width) = (SmallPanels.count(columns: columns.count), SmallPanels.width)
    let blocks = SmallPanels.blocks(depth: depth, block: block)
    var scales = [Float](repeating: 0, count: form == .int8 ? panels * blocks * width : 0)
    let shape = try Shape(checking: [panels, depth, width])
    let weights = try Tensor(elementType: form.elementType, shape: shape) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      var column = [Float](repeating: 0, count: depth)
      for index in 0..<columns.count {
        gather(floats + index * columns.stride, into: &column)
        let place = index / width * depth * width + index % width
        guard form == .int8 else {
          for row in 0..<depth {
            let bits = try form.bits(column[row])
            bytes.storeBytes(of: bits, toByteOffset: (place + row * width) * 2, as: UInt16.self)
          }
          continue
        }
        for number in 0..<blocks {
          let rows = number * block..<min(depth, number * block + min(block, depth))
          let scale = try column[rows].symmetricScale()
          scales[(index / width * blocks + number) * width + index % width] = scale
          for row in rows {
            bytes.storeBytes(
              of: column[row].level(of: scale), toByteOffset: place + row * width, as: Int8.self)
          }
        }
      }
    }
    guard form == .int8 else { return SmallTensors(weights: weights) }
    return SmallTensors(
      weights: weights, scale: try Tensor(scales, shape: Shape(checking: [panels, blocks, width])))
  }

  private func gather(_ from: UnsafePointer<Float>, into column: inout [Float]) {
    var row = 0
    for outside in 0..<outer.count {
      for inside in 0..<inner.count {
        column[row] = from[outside * outer.stride + inside * inner.stride] * factor
        row += 1
      }
    }
  }
}

extension WeightForm {
  /// The bits of a weight of 16 bits.
  /// - Throws: ``SmallWeightsRefusal`` if it is not finite, or not finite any more.
  func bits(_ weight: Float) throws(SmallWeightsRefusal) -> UInt16 {
    guard weight.isFinite else { throw .notFinite }
    if self == .float16 {
      let half = Float16(weight)
      guard half.isFinite else { throw .tooLarge }
      return half.bitPattern
    }
    let half = BFloat16(weight)
    guard Float(half).isFinite else { throw .tooLarge }
    return half.bitPattern
  }
}

extension Collection<Float> {
  /// The scale of integers from −127 to 127; 0 if all numbers are, or are too small for one.
  /// - Throws: ``SmallWeightsRefusal`` if a number is not finite, or a scaled one would not be.
  func symmetricScale() throws(SmallWeightsRefusal) -> Float {
    var largest: Float = 0
    for number in self {
      guard number.isFinite else { throw .notFinite }
      largest = Swift.max(largest, abs(number))
    }
    let scale = largest / 127
    guard (scale * 127).isFinite else { throw .tooLarge }
    return scale.isNormal ? scale : 0
  }
}

extension Float {
  /// The integer from −127 to 127 that stands for the number; 0 if the scale is.
  func level(of scale: Float) -> Int8 {
    let level = scale == 0 ? 0 : (self / scale).rounded(.toNearestOrEven)
    // Within ±127 but for the rounding of the division.
    return Int8(min(max(level, -127), 127))
  }
}
