import Tensors

/// A window that slides along one spatial axis.
struct Slide {
  var kernel: Dimension
  var stride: Int
  var dilation: Int
  /// Elements added before and after; `nil` where the result is ⌈input/stride⌉.
  var padding: (begin: Int, end: Int)?
}

extension NodeTyping {
  func checkRanks(_ image: [Dimension], _ weight: [Dimension]) throws(GraphError) {
    guard image.count >= 3, weight.count == image.count else {
      throw failure(
        "the image has \(image.count) axes and the weights \(weight.count); both want the same, 3 or more")
    }
  }

  func slides(_ window: Convolution, kernel: [Dimension]) throws(GraphError) -> [Slide] {
    let axes = kernel.count
    guard window.strides.count == axes, window.dilations.count == axes else {
      throw failure(
        "strides \(window.strides) or dilations \(window.dilations) are not of \(axes) spatial axes")
    }
    var slides: [Slide] = []
    for axis in 0..<axes {
      guard window.strides[axis] > 0, window.dilations[axis] > 0, kernel[axis].size.map({ $0 > 0 }) ?? true
      else {
        throw failure(
          "strides \(window.strides), dilations \(window.dilations) and the window \(ValueType.text(kernel)) "
            + "have to be positive")
      }
      var slide = Slide(
        kernel: kernel[axis], stride: window.strides[axis], dilation: window.dilations[axis], padding: nil)
      if case .explicit(let amounts) = window.padding {
        guard amounts.count == 2 * axes else {
          throw failure("padding \(amounts) is not of \(axes) spatial axes, begins and ends")
        }
        slide.padding = (amounts[axis], amounts[axis + axes])
      }
      slides.append(slide)
    }
    return slides
  }

  /// Returns the number of elements that the window spans beyond its first one.
  func reach(_ slide: Slide) throws(GraphError) -> Int? {
    guard let kernel = slide.kernel.size else { return nil }
    return try sized(Dimension.known(slide.dilation).times(.known(kernel - 1))).size
  }

  /// The number of places that the window takes along an axis of `size`.
  func covered(_ size: Dimension, _ slide: Slide, ceilingMode: Bool) throws(GraphError) -> Dimension {
    guard let padding = slide.padding else { return size.dividedRoundingUp(by: slide.stride) }
    guard let reach = try reach(slide) else { return .unknown }
    let added = try sized(Dimension.known(padding.begin).plus(padding.end))
    let less = reach.subtractingReportingOverflow(added.size ?? 0)
    if less.overflow { throw failure("its padding is larger than this machine can address") }
    if slide.stride == 1, less.partialValue == 0 { return size }
    guard let known = size.size else { return .unknown }
    // Places after the first.
    let room = known.subtractingReportingOverflow(less.partialValue)
    guard !room.overflow, room.partialValue > 0 else {
      throw failure(
        "the window reaches over \(reach + 1) elements, more than the \(known) of the image and its padding "
          + "(\(padding.begin) and \(padding.end))")
    }
    let steps = (room.partialValue - 1) / slide.stride
    guard ceilingMode, (room.partialValue - 1) % slide.stride != 0 else { return .known(steps + 1) }
    // One more place hangs over the end, unless it would lie in the padding behind the image altogether.
    let start = try sized(Dimension.known(steps + 1).times(.known(slide.stride))).size ?? 0
    let end = try sized(size.plus(padding.begin)).size ?? 0
    return .known(start >= end ? steps + 1 : steps + 2)
  }

  /// The size of the image that a deconvolution makes of an axis of `size`.
  func spread(_ size: Dimension, _ slide: Slide, outputPadding: Int) throws(GraphError) -> Dimension {
    guard let padding = slide.padding else { return try sized(size.times(.known(slide.stride))) }
    guard let reach = try reach(slide) else { return .unknown }
    var result = size
    if let known = size.size {
      guard known > 0 else { throw failure("its image is empty") }
      result = try sized(Dimension.known(known - 1).times(.known(slide.stride)).flatMap { $0.plus(1) })
    } else if slide.stride != 1 {
      return .unknown
    }
    let added = try sized(Dimension.known(reach).plus(outputPadding))
    let removed = try sized(Dimension.known(padding.begin).plus(padding.end)).size ?? 0
    let change = (added.size ?? 0).subtractingReportingOverflow(removed)
    guard !change.overflow else { throw failure("its padding is larger than this machine can address") }
    result = try sized(result.plus(change.partialValue))
    if let known = result.size, known <= 0 {
      throw failure("its padding takes away more than there is")
    }
    return result
  }
}
