import Device
import ModelGraph
import Tensors

extension LocalResponse: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try LocalResponseProgram.build(self, request) }
}

/// ONNX `LRN`: across channels.
enum LocalResponseProgram {
  /// Beyond this many channels a window's sum is made of the sums of blocks.
  private static let narrow = 16
  /// Places of the image whose blocks are summed side by side.
  private static let sideBySide = 8

  static func build(_ response: LocalResponse, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let operand = try request.operand(0)
    try request.requireResult(operand.shape.dims)
    let dims = operand.shape.dims
    try request.require(dims.count >= 2 && response.size > 0, "a channel axis and a positive size are needed")
    let (channels, inner) = (dims[1], dims.dropFirst(2).reduce(1, *))
    // No window reaches over more channels than there are.
    let most = max(channels - 1, 0)
    let (before, after) = (min((response.size - 1) / 2, most), min(response.size / 2, most))
    let window = ChannelWindow(channels: channels, before: before, after: after)
    func program<Element: Real>(_ type: Element.Type) -> Program {
      let factor = Element(response.alpha) / Element(response.size)
      let (bias, beta) = (Element(response.bias), Element(response.beta))
      let isWide = window.size > narrow
      let lanes = min(sideBySide, max(inner, 1))
      let scratch = isWide ? alignedScratch(2 * channels * lanes * MemoryLayout<Double>.size) : 0
      return Program(name: "local response", scratchBytes: scratch) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        for image in 0..<dims[0] {
          let start = image &* channels &* inner
          if isWide {
            let sums = try frame.scratch(as: Double.self)
            for first in stride(from: 0, to: inner, by: lanes) {
              window.addSquaresByBlocks(
                source + (start &+ first), target + (start &+ first), stride: inner,
                lanes: min(lanes, inner &- first), sums)
            }
          } else {
            window.addSquares(source + start, target + start, inner: inner)
          }
          for index in start..<start &+ channels &* inner {
            target[index] = source[index] / Element.raise(bias + factor * target[index], beta)
          }
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }
}

/// A window that slides along the channels of an image.
private struct ChannelWindow {
  let channels: Int
  /// Channels of the window before and after the one that it stands at.
  let before: Int
  let after: Int

  var size: Int { before + after + 1 }

  /// Writes the sum of the squares in each channel's window, channel by channel.
  func addSquares<Element: Real>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>, inner: Int
  ) {
    for channel in 0..<channels {
      let here = channel &* inner
      (target + here).update(repeating: 0, count: inner)
      for neighbour in max(0, channel &- before)...min(channel &+ after, channels &- 1) {
        let other = source + neighbour &* inner
        for index in 0..<inner { target[here &+ index] += other[index] * other[index] }
      }
    }
  }

  /// Writes the same for some places of the image. The channels are cut into blocks of the window's size. A window is the
  /// end of one block and the beginning of the next: nothing is subtracted, so that NaN and ∞ stay in their windows.
  ///
  /// - Parameters:
  ///   - stride: elements from channel to channel.
  ///   - sums: memory for two numbers of each channel and lane.
  func addSquaresByBlocks<Element: Real>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>, stride: Int, lanes: Int,
    _ sums: UnsafeMutablePointer<Double>
  ) {
    let (fromStart, toEnd) = (sums, sums + channels &* lanes)
    for channel in 0..<channels {
      let isFirst = channel % size == 0
      for lane in 0..<lanes {
        let value = Double(source[channel &* stride &+ lane])
        let place = channel &* lanes &+ lane
        fromStart[place] = value * value + (isFirst ? 0 : fromStart[place &- lanes])
        toEnd[place] = value * value
      }
    }
    for channel in (0..<max(channels &- 1, 0)).reversed() where channel % size != size &- 1 {
      for lane in 0..<lanes {
        toEnd[channel &* lanes &+ lane] += toEnd[(channel &+ 1) &* lanes &+ lane]
      }
    }
    for channel in 0..<channels {
      let (first, last) = (max(0, channel &- before), min(channel &+ after, channels &- 1))
      for lane in 0..<lanes {
        let (tail, head) = (toEnd[first &* lanes &+ lane], fromStart[last &* lanes &+ lane])
        let sum = first % size == 0 ? head : first / size == last / size ? tail : tail + head
        target[channel &* stride &+ lane] = Element(sum)
      }
    }
  }
}
