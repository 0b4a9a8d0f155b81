import Tensors

/// A window that slides along one spatial axis.
private struct Slide {
  var kernel: Dimension
  var stride: Int
  var dilation: Int
  /// Elements added before and after; `nil` where the result is ⌈input/stride⌉.
  var padding: (begin: Int, end: Int)?
}

extension NodeTyping {
  func convolution(_ convolution: Convolution) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard let image = dimensions(0), let weight = dimensions(1) else { return Fact(type, nil) }
    try checkRanks(image, weight)
    guard convolution.groups > 0 else { throw failure("it has \(convolution.groups) groups") }
    let channels = try sized(weight[1].times(.known(convolution.groups)))
    guard image[1].unified(with: channels) != nil else {
      throw failure(
        "the image has \(ValueType.text([image[1]])) channels and the weights want "
          + "\(ValueType.text([weight[1]])) in each of \(convolution.groups) groups")
    }
    if let filters = weight[0].size, filters % convolution.groups != 0 {
      throw failure("\(filters) filters cannot be split into \(convolution.groups) groups")
    }
    try checkVector(2, weight[0], "bias")
    var result = [image[0], weight[0]]
    let slides = try self.slides(convolution, kernel: Array(weight.dropFirst(2)))
    for (size, slide) in zip(image.dropFirst(2), slides) {
      result.append(try covered(size, slide, ceilingMode: false))
    }
    return Fact(type, result)
  }

  /// `https://onnx.ai/onnx/operators/onnx__ConvTranspose.html`
  func deconvolution(_ deconvolution: Deconvolution) throws(GraphError) -> Fact? {
    try checkSameElementType([0, 1, 2])
    guard let type = elementType(0) ?? elementType(1) else { return nil }
    guard let image = dimensions(0), let weight = dimensions(1) else { return Fact(type, nil) }
    try checkRanks(image, weight)
    let window = deconvolution.window
    guard window.groups > 0 else { throw failure("it has \(window.groups) groups") }
    _ = try unified(image[1], weight[0], "the channels of the image and of the weights")
    if let channels = weight[0].size, channels % window.groups != 0 {
      throw failure("\(channels) channels cannot be split into \(window.groups) groups")
    }
    let filters = try sized(weight[1].times(.known(window.groups)))
    try checkVector(2, filters, "bias")
    var result = [image[0], filters]
    let slides = try self.slides(window, kernel: Array(weight.dropFirst(2)))
    let extra = deconvolution.outputPadding
    guard extra.isEmpty || extra.count == slides.count else {
      throw failure("its output padding \(extra) is not of \(slides.count) spatial axes")
    }
    for (axis, slide) in slides.enumerated() where !extra.isEmpty {
      guard extra[axis] >= 0, extra[axis] < max(slide.stride, slide.dilation) else {
        throw failure(
          "its output padding \(extra) has to be smaller than the strides \(window.strides) or the dilations "
            + "\(window.dilations)")
      }
    }
    if let shape = deconvolution.outputShape {
      guard shape.count == slides.count else {
        throw failure("its output shape \(shape) is not of \(slides.count) spatial axes")
      }
      for (axis, slide) in slides.enumerated() {
        var uncut = slide
        uncut.padding = (0, 0)
        let most = try spread(image[axis + 2], uncut, outputPadding: extra.isEmpty ? 0 : extra[axis])
        if let most = most.size, shape[axis] > most {
          throw failure("its output shape \(shape) is larger than the window reaches, which is \(most)")
        }
      }
      return Fact(type, result + shape.map { .known($0) })
    }
    for (axis, slide) in slides.enumerated() {
      result.append(try spread(image[axis + 2], slide, outputPadding: extra.isEmpty ? 0 : extra[axis]))
    }
    return Fact(type, result)
  }

  func pool(_ pool: Pool) throws(GraphError) -> Fact? {
    guard let type = type(0) else { return nil }
    guard let image = type.dimensions else { return Fact(type) }
    guard image.count >= 3 else { throw failure("it pools over the spatial axes, and there are none") }
    var result = Array(image.prefix(2))
    guard let window = pool.window else {
      return Fact(type.elementType, result + image.dropFirst(2).map { _ in .known(1) })
    }
    guard window.count == image.count - 2 else {
      throw failure("its window \(window) is not of \(image.count - 2) spatial axes")
    }
    let geometry = Convolution(
      strides: pool.strides, dilations: pool.dilations, padding: pool.padding, groups: 1)
    let slides = try self.slides(geometry, kernel: window.map { .known($0) })
    for (size, slide) in zip(image.dropFirst(2), slides) {
      result.append(try covered(size, slide, ceilingMode: pool.ceilingMode))
    }
    return Fact(type.elementType, result)
  }

  private func checkRanks(_ image: [Dimension], _ weight: [Dimension]) throws(GraphError) {
    guard image.count >= 3, weight.count == image.count else {
      throw failure(
        "the image has \(image.count) axes and the weights \(weight.count); both want the same, 3 or more")
    }
  }

  private func slides(_ window: Convolution, kernel: [Dimension]) throws(GraphError) -> [Slide] {
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
  private func reach(_ slide: Slide) throws(GraphError) -> Int? {
    guard let kernel = slide.kernel.size else { return nil }
    return try sized(Dimension.known(slide.dilation).times(.known(kernel - 1))).size
  }

  /// The number of places that the window takes along an axis of `size`.
  private func covered(_ size: Dimension, _ slide: Slide, ceilingMode: Bool) throws(GraphError) -> Dimension {
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
  private func spread(_ size: Dimension, _ slide: Slide, outputPadding: Int) throws(GraphError) -> Dimension {
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
