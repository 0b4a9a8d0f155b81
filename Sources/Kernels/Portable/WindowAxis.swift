import Device
import ModelGraph
import Tensors

/// One spatial axis of a window that slides over an image: which elements every position of it covers.
struct WindowAxis: Sendable {
  var input = 1
  var output = 1
  var size = 1
  var stride = 1
  var dilation = 1
  /// Elements of padding before and after the image.
  var before = 0
  var after = 0

  /// Returns the position of the window's tap 0 for an output index. It may be outside the image.
  @inline(__always) func start(_ output: Int) -> Int { output &* stride &- before }

  /// The taps that lie inside the image for an output index.
  @inline(__always) func taps(_ output: Int) -> Range<Int> { covered(output, in: 0..<input) }

  /// The taps that lie inside the image or its padding.
  @inline(__always) func paddedTaps(_ output: Int) -> Range<Int> {
    covered(output, in: 0 &- before..<input &+ after)
  }

  private func covered(_ output: Int, in bounds: Range<Int>) -> Range<Int> {
    let start = start(output)
    let first = start < bounds.lowerBound ? ceiling(bounds.lowerBound &- start, dilation) : 0
    let end = start < bounds.upperBound ? min(size, ceiling(bounds.upperBound &- start, dilation)) : 0
    return first < end ? first..<end : 0..<0
  }

  /// The output indices whose tap `tap` lies inside the image.
  @inline(__always) func outputs(tap: Int) -> Range<Int> {
    let shift = tap &* dilation &- before
    let first = shift < 0 ? ceiling(0 &- shift, stride) : 0
    let end = shift < input ? min(output, ceiling(input &- shift, stride)) : 0
    return first < end ? first..<end : 0..<0
  }

  private func ceiling(_ a: Int, _ b: Int) -> Int { (a &+ b &- 1) / b }
}

/// Numbers beyond this are no sizes of a window; below it nothing that a window computes can overflow.
private let largestWindow = 1 << 28

extension KernelRequest {
  /// The spatial axes of a window, padded with leading axes of one element to three; `nil` when there are more.
  ///
  /// - Parameters:
  ///   - input: spatial sizes of what the window slides over.
  ///   - output: the number of its positions.
  func window(
    _ input: [Int], _ output: [Int], size: [Int], strides: [Int], dilations: [Int], padding: Padding
  ) throws -> [WindowAxis]? {
    let rank = input.count
    if rank > 3 { return nil }
    let strides = strides.isEmpty ? [Int](repeating: 1, count: rank) : strides
    let dilations = dilations.isEmpty ? [Int](repeating: 1, count: rank) : dilations
    var pads = [Int](repeating: 0, count: 2 * rank)
    if case .explicit(let given) = padding, !given.isEmpty { pads = given }
    try require(
      output.count == rank && size.count == rank && strides.count == rank && dilations.count == rank
        && pads.count == 2 * rank, "window, strides, dilations and pads should have one rank")
    for number in input + output + size + strides + dilations + pads {
      try require(number >= 0 && number < largestWindow, "\(number) is no size of a window")
    }
    try require((size + strides + dilations).allSatisfy { $0 > 0 }, "a window's sizes should be positive")
    var axes = [WindowAxis](repeating: WindowAxis(), count: 3 - rank)
    for axis in 0..<rank {
      var window = WindowAxis(
        input: input[axis], output: output[axis], size: size[axis], stride: strides[axis],
        dilation: dilations[axis])
      let needed = (output[axis] - 1) * strides[axis] + (size[axis] - 1) * dilations[axis] + 1
      let total = max(0, needed - input[axis])
      switch padding {
      case .explicit: (window.before, window.after) = (pads[axis], pads[rank + axis])
      case .sameUpper: (window.before, window.after) = (total / 2, total - total / 2)
      case .sameLower: (window.before, window.after) = (total - total / 2, total / 2)
      }
      axes.append(window)
    }
    return axes
  }
}
