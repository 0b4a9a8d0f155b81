import CWinograd
import Device
import ModelGraph
import Tensors

/// The sizes of a convolution that Winograd's algorithm serves: 3×3, a stride of 1, all channels in whole blocks.
struct WinogradShape: Sendable {
  let raw: fi_winograd_shape

  /// Channels lie in blocks of so many.
  private static let block = 16

  /// - Returns: `nil` for a convolution of another kind.
  init?(_ op: Convolution, image: Shape, weights: Shape, result: Shape) {
    guard image.rank == 4, weights.rank == 4, result.rank == 4, op.groups == 1,
      image.dims[0] == result.dims[0], image.dims[1] == weights.dims[1], result.dims[1] == weights.dims[0],
      image.dims[1] % Self.block == 0, result.dims[1] % Self.block == 0,
      (image.dims + result.dims).allSatisfy({ (1...Window.largest).contains($0) }),
      // Far above what memory holds, and small enough that numbers of bytes of transforms do not overflow.
      [image, weights, result].allSatisfy({ $0.elementCount <= 1 << 40 }),
      let window = Window(
        kernel: Array(weights.dims[2...]), strides: op.strides, dilations: op.dilations, padding: op.padding,
        input: Array(image.dims[2...]), output: Array(result.dims[2...])),
      window.kernel == [3, 3], window.strides == [1, 1], window.dilations == [0, 0],
      window.before.allSatisfy({ $0 <= 2 }), window.after.allSatisfy({ $0 <= 2 })
    else { return nil }
    raw = fi_winograd_shape(
      images: Int64(image.dims[0]), channels: Int64(image.dims[1]), made: Int64(result.dims[1]),
      height: Int64(image.dims[2]), width: Int64(image.dims[3]), made_height: Int64(result.dims[2]),
      made_width: Int64(result.dims[3]), top: Int64(window.before[0]), left: Int64(window.before[1]))
  }

  /// Bytes of scratch memory of a call on so many threads.
  func scratchBytes(threads: Int) -> Int {
    withUnsafePointer(to: raw) { Int(fi_winograd_scratch($0, Int32(clamping: threads))) }
  }

  /// True when the transforms cost clearly less than the multiplications that they save. Small images do not pay for the
  /// transform of their weights, which is made at every call so that the stored weights are those of any convolution.
  ///
  /// Rates in microseconds on one core with two 512-bit multipliers; only their proportions count.
  func isWorthwhile(threads: [Int]) -> Bool {
    let tiles = Double(raw.images) * Double((raw.made_height + 3) / 4) * Double((raw.made_width + 3) / 4)
    let (taken, made) = (Double(raw.channels), Double(raw.made))
    let pixels = Double(raw.images) * Double(raw.made_height) * Double(raw.made_width)
    let direct = 18 * pixels * taken * made / 190_000
    let products = 72 * tiles * taken * made / 160_000
    let transforms = 0.065 * tiles * (taken + made) / 16 + 0.12 * taken * made / 16
    guard direct >= 100, direct >= 1.2 * (products + transforms) else { return false }
    // Room that the direct convolution does not need: no more than would matter beside the images themselves.
    let images = 4 * (pixels * made + Double(raw.images) * Double(raw.height) * Double(raw.width) * taken)
    return threads.allSatisfy { Double(scratchBytes(threads: $0)) <= max(Double(16 << 20), 2 * images) }
  }
}
