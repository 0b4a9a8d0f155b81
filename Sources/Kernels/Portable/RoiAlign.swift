import Device
import ModelGraph
import Tensors

extension RoiAlign: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try RoiAlignProgram.build(self, request) }
}

/// ONNX `RoiAlign`: x, regions, images. A sample outside of the image counts as a zero.
enum RoiAlignProgram {
  static func build(_ align: RoiAlign, _ request: KernelRequest) throws -> Program? {
    let x = try request.operand(0)
    guard x.elementType.isFloatingPoint, let images = try Indices(request, 2) else { return nil }
    let real = Conversion.realType(x.elementType)
    if let program = try Conversion.ifNeeded(request, operands: [0: real, 1: real], results: [0: real]) {
      return program
    }
    let regions = try request.operand(1).shape.dims
    try request.require(
      x.shape.rank == 4 && regions.count == 2 && regions[1] == 4 && images.count == regions[0],
      "an image, and for each region its corners and its image, are needed")
    try request.require(
      align.height > 0 && align.width > 0 && (0...RoiAlign.mostSamples).contains(align.samples),
      "a bin of so many samples is not supported")
    try request.requireResult([regions[0], x.shape.dims[1], align.height, align.width])
    return x.elementType == .float64
      ? program(Double.self, align, images, x.shape) : program(Float.self, align, images, x.shape)
  }

  private static func program<Element: Real>(
    _ type: Element.Type, _ align: RoiAlign, _ images: Indices, _ x: Shape
  ) -> Program {
    typealias List = BinSamples<Element>
    let (channels, height, width) = (x.dims[1], x.dims[2], x.dims[3])
    let isAverage = align.mode == .average
    let capacity = List.capacity(size: max(height, width), samples: align.samples)
    return Program(name: "roi align", scratchBytes: 2 * List.bytes(capacity)) { frame in
      let (source, regions) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
      let (target, memory) = (try frame.result(0, as: type), try frame.scratch(as: UInt8.self))
      var rows = List(memory, capacity: capacity, merging: isAverage)
      var columns = List(memory + List.bytes(capacity), capacity: capacity, merging: isAverage)
      try images.read(frame) { image in
        for region in 0..<images.count {
          let chosen = try image(region, x.dims[0])
          let first = source + chosen &* channels &* height &* width
          let corners = regions + region &* 4
          let vertical = BinAxis(align, corners[1], corners[3], bins: align.height, size: height)
          let horizontal = BinAxis(align, corners[0], corners[2], bins: align.width, size: width)
          let count = Element(max(vertical.samples, 1)) * Element(max(horizontal.samples, 1))
          for row in 0..<align.height {
            rows.fill(vertical, bin: row)
            for column in 0..<align.width {
              columns.fill(horizontal, bin: column)
              var place = target + ((region &* channels &* align.height &+ row) &* align.width &+ column)
              for channel in 0..<channels {
                let plane = first + channel &* height &* width
                place.pointee =
                  isAverage
                  ? rows.sum(with: columns, plane, width) / count
                  : rows.maximum(with: columns, plane, width)
                place += align.height &* align.width
              }
            }
          }
        }
      }
    }
  }
}

/// One axis of a region, split into bins.
private struct BinAxis<Element: Real> {
  let start: Element
  let bin: Element
  /// Samples of a bin.
  let samples: Int
  /// The image's size.
  let size: Int

  init(_ align: RoiAlign, _ low: Element, _ high: Element, bins: Int, size: Int) {
    let offset: Element = align.halfPixel ? 0.5 : 0
    start = low * Element(align.scale) - offset
    var extent = high * Element(align.scale) - offset - start
    if !align.halfPixel { extent = extent < 1 ? 1 : extent }
    bin = extent / Element(bins)
    self.size = size
    let covered = bin.rounded(.up)
    // A region without an end is sampled as far as the image goes.
    let adaptive = covered > 0 ? (covered < 0x1p30 ? Int(covered) : 1 << 30) : 0
    samples = align.samples > 0 ? align.samples : adaptive
  }

  @inline(__always) func place(_ number: Int, _ sample: Int) -> Element {
    start + Element(number) * bin + (Element(sample) + 0.5) * bin / Element(samples)
  }

  /// The samples of a bin among which are all that lie in the image.
  func candidates(_ number: Int) -> Range<Int> {
    let (first, step) = (place(number, 0), bin / Element(samples))
    guard samples > 4096 else { return 0..<samples }
    // Places that are no numbers, or the same for all samples, lie outside.
    guard first.isFinite, step.isFinite, step > 0 else { return 0..<0 }
    // A step further on each side, for what rounding does to places.
    let low = ((-1 - first) / step).rounded(.down) - 1
    let high = ((Element(size) - first) / step).rounded(.up) + 2
    let begin = low > 0 ? (low < Element(samples) ? Int(low) : samples) : 0
    let end = high > 0 ? (high < Element(samples) ? Int(high) : samples) : 0
    return begin..<max(begin, end)
  }
}

/// The elements of one axis that the samples of a bin lie between, with their weights.
private struct BinSamples<Element: Real> {
  private let indices: UnsafeMutablePointer<Int>
  private let weights: UnsafeMutablePointer<Element>
  private let capacity: Int
  /// True if an element that several samples share is listed once, false if each sample lists its two elements.
  private let merging: Bool
  private var count = 0
  private var hasOutside = false

  /// As many elements as a bin may list: without a given number, samples are more than half an element apart.
  static func capacity(size: Int, samples: Int) -> Int { 2 &* max(samples, 2 &* size &+ 8) }

  static func bytes(_ capacity: Int) -> Int {
    alignedScratch(capacity &* (MemoryLayout<Int>.stride &+ MemoryLayout<Element>.stride))
  }

  init(_ memory: UnsafeMutableRawPointer, capacity: Int, merging: Bool) {
    // Scratch memory holds plain numbers, these behind those; each list is written before it is read.
    indices = memory.assumingMemoryBound(to: Int.self)
    weights = (memory + capacity &* MemoryLayout<Int>.stride).assumingMemoryBound(to: Element.self)
    (self.capacity, self.merging) = (capacity, merging)
  }

  mutating func fill(_ axis: BinAxis<Element>, bin: Int) {
    let candidates = axis.candidates(bin)
    (count, hasOutside) = (0, candidates.count < axis.samples)
    for sample in candidates {
      var place = axis.place(bin, sample)
      guard place >= -1, place <= Element(axis.size), axis.size > 0, count &+ 2 <= capacity else {
        hasOutside = true
        continue
      }
      place = place > 0 ? place : 0
      let low = min(Int(place), axis.size &- 1)
      let high = min(low &+ 1, axis.size &- 1)
      let rest = low == high ? 0 : place - Element(low)
      add(low, 1 - rest)
      add(high, rest)
    }
  }

  private mutating func add(_ index: Int, _ weight: Element) {
    if merging {
      // Samples ascend: the element is one of the last two, or new.
      for last in stride(from: count &- 1, through: max(count &- 2, 0), by: -1) where indices[last] == index {
        weights[last] += weight
        return
      }
    }
    (indices[count], weights[count]) = (index, weight)
    count &+= 1
  }

  /// The weighted sum over rows and columns of a plane.
  func sum(with columns: Self, _ plane: UnsafePointer<Element>, _ width: Int) -> Element {
    var sum = Element.zero
    for row in 0..<count {
      let line = plane + indices[row] &* width
      var part = Element.zero
      for column in 0..<columns.count { part += columns.weights[column] * line[columns.indices[column]] }
      sum += weights[row] * part
    }
    return sum
  }

  /// The largest of the weighted elements of all samples.
  func maximum(with columns: Self, _ plane: UnsafePointer<Element>, _ width: Int) -> Element {
    if count == 0 || columns.count == 0 { return 0 }
    var best: Element = hasOutside || columns.hasOutside ? 0 : -.infinity
    for row in 0..<count {
      let line = plane + indices[row] &* width
      for column in 0..<columns.count {
        let value = weights[row] * columns.weights[column] * line[columns.indices[column]]
        best = best < value ? value : best
      }
    }
    return best
  }
}
