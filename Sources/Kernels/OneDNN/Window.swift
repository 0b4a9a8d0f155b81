import Device
import ModelGraph
import Tensors

/// The spatial side of a convolution or a pooling as oneDNN wants it: one number an axis.
struct Window {
  var kernel: [Int]
  var strides: [Int]
  /// oneDNN's: 0 is dense.
  var dilations: [Int]
  var before: [Int]
  var after: [Int]

  /// - Parameters:
  ///   - input: the spatial sizes that the window slides over.
  ///   - output: how many places it stands at along each.
  /// - Returns: `nil` when the numbers do not go together.
  init?(
    kernel: [Int], strides: [Int], dilations: [Int], padding: Padding, input: [Int], output: [Int]
  ) {
    let rank = input.count
    guard rank >= 1, rank <= 3, kernel.count == rank, output.count == rank else { return nil }
    self.kernel = kernel
    self.strides = strides.isEmpty ? Array(repeating: 1, count: rank) : strides
    let steps = dilations.isEmpty ? Array(repeating: 1, count: rank) : dilations
    guard self.strides.count == rank, steps.count == rank else { return nil }
    guard (kernel + self.strides + steps + input + output).allSatisfy({ (1...Self.largest).contains($0) })
    else { return nil }
    self.dilations = steps.map { $0 - 1 }
    before = []
    after = []
    for axis in 0..<rank {
      let extent = (kernel[axis] - 1) * steps[axis] + 1
      guard extent <= LibraryLimits.reach, output[axis] <= LibraryLimits.reach / self.strides[axis] else {
        return nil
      }
      let needed = (output[axis] - 1) * self.strides[axis] + extent - input[axis]
      switch padding {
      case .explicit(let pads):
        guard pads.count == 2 * rank, (0...Self.largest).contains(pads[axis]) else { return nil }
        before.append(pads[axis])
      case .sameUpper: before.append(max(needed, 0) / 2)
      case .sameLower: before.append((max(needed, 0) + 1) / 2)
      }
      // The padding that the last place of the window needs: less than the model's if the window does not
      // fill it.
      after.append(needed - before[axis])
    }
  }

  /// More than any image or window measures, and small enough that products of two do not overflow.
  static let largest = 1 << 30

  /// Spatial sizes that the window covers from the first element of the input.
  func extent(_ axis: Int) -> Int { (kernel[axis] - 1) * (dilations[axis] + 1) + 1 }
}

extension [Int] {
  /// As oneDNN takes them.
  var wide: [Int64] { map(Int64.init) }
}
