import Device
import ModelGraph
import Tensors

extension GridSample: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try GridSampleProgram.build(self, request) }
}

/// ONNX `GridSample`: x, grid. A coordinate that is not a number samples a zero.
enum GridSampleProgram {
  static func build(_ sample: GridSample, _ request: KernelRequest) throws -> Program? {
    let (x, grid) = (try request.operand(0), try request.operand(1))
    try request.requireSameType(0)
    guard grid.elementType.isFloatingPoint, let size = request.elementSize(x.elementType) else { return nil }
    let isNearest = sample.mode == .nearest
    // Places are computed in the precision of the grid, values in one that holds the image's.
    let isWide = grid.elementType == .float64 || !isNearest && holdsInDouble(x.elementType)
    let real: ElementType = isWide ? .float64 : .float32
    if let program = try Conversion.ifNeeded(
      request, operands: isNearest ? [1: real] : [0: real, 1: real], results: isNearest ? [:] : [0: real])
    {
      return program
    }
    guard let geometry = try GridGeometry(sample, request) else { return nil }
    if isNearest {
      return isWide ? nearest(Double.self, geometry, size) : nearest(Float.self, geometry, size)
    }
    return isWide
      ? interpolation(Double.self, sample.mode, geometry) : interpolation(Float.self, sample.mode, geometry)
  }

  /// True for elements that a 32-bit float does not hold.
  private static func holdsInDouble(_ type: ElementType) -> Bool {
    type == .float64 || !type.isFloatingPoint && type.bitWidth >= 32
  }

  private static func nearest<Coordinate: Real>(
    _ type: Coordinate.Type, _ geometry: GridGeometry, _ size: Int
  ) -> Program? {
    switch size {
    case 1: nearest(type, UInt8.self, geometry)
    case 2: nearest(type, UInt16.self, geometry)
    case 4: nearest(type, UInt32.self, geometry)
    case 8: nearest(type, UInt64.self, geometry)
    default: nil
    }
  }

  private static func nearest<Coordinate: Real, Bits: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ type: Coordinate.Type, _ bits: Bits.Type, _ geometry: GridGeometry
  ) -> Program {
    let block = 512
    return Program(name: "grid sample nearest", scratchBytes: block * MemoryLayout<Int>.stride) { frame in
      let (source, grid) = (try frame.operand(0, as: bits), try frame.operand(1, as: type))
      let (target, found) = (try frame.result(0, as: bits), try frame.scratch(as: Int.self))
      geometry.forEachBlock(of: block) { image, places in
        for place in places {
          let coordinates = geometry.coordinates(grid, image, place)
          var offset = 0
          for (number, axis) in geometry.axes.enumerated() where offset >= 0 {
            let whole = axis.place(coordinates[geometry.axes.count &- 1 &- number])
              .rounded(.toNearestOrEven)
            let inside = axis.inside(whole)
            let index = axis.reaches(inside) ? axis.index(Int(inside)) : nil
            offset = index.map { offset &+ $0 &* axis.step } ?? -1
          }
          found[place &- places.lowerBound] = offset
        }
        geometry.forEachChannel(image) { from, to in
          for place in places {
            let offset = found[place &- places.lowerBound]
            target[to &+ place] = offset < 0 ? 0 : source[from &+ offset]
          }
        }
      }
    }
  }

  private static func interpolation<Element: Real>(
    _ type: Element.Type, _ mode: GridSample.Mode, _ geometry: GridGeometry
  ) -> Program {
    typealias Taps = SampleTaps<Element>
    let (rank, isCubic) = (geometry.axes.count, mode == .cubic)
    let capacity = geometry.axes.reduce(1) { product, _ in product * (isCubic ? 4 : 2) }
    let block = max(16, 1024 / capacity)
    let lists = Taps.bytes(capacity, lists: block)
    return Program(
      name: "grid sample \(mode.rawValue)", scratchBytes: lists + block * MemoryLayout<Int>.stride
    ) { frame in
      let (source, grid) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
      let (target, memory) = (try frame.result(0, as: type), try frame.scratch(as: UInt8.self))
      let counts = try frame.scratch(at: lists, as: Int.self)
      geometry.forEachBlock(of: block) { image, places in
        for place in places {
          let list = place &- places.lowerBound
          let coordinates = geometry.coordinates(grid, image, place)
          var taps = Taps(memory, capacity: capacity, list: list, of: block)
          taps.start(1)
          for (number, axis) in geometry.axes.enumerated() {
            let inside = axis.inside(axis.place(coordinates[rank &- 1 &- number]))
            if isCubic { taps.cubic(axis, inside) } else { taps.linear(axis, inside) }
          }
          counts[list] = taps.count
        }
        geometry.forEachChannel(image) { from, to in
          for place in places {
            let list = place &- places.lowerBound
            let taps = Taps(memory, capacity: capacity, list: list, of: block)
            target[to &+ place] = taps.sum(source + from, counts[list])
          }
        }
      }
    }
  }
}

/// The sizes of images, grid and result.
private struct GridGeometry: Sendable {
  /// Outermost first; a grid lists its coordinates innermost first.
  let axes: [SampledAxis]
  private let images: Int
  private let channels: Int
  private let input: Int
  private let output: Int

  /// - Returns: `nil` for more than three spatial axes.
  init?(_ sample: GridSample, _ request: KernelRequest) throws {
    let (x, grid) = (try request.operand(0).shape, try request.operand(1).shape)
    let rank = x.rank - 2
    if rank > 3 { return nil }
    try request.require(
      rank >= 1 && grid.rank == x.rank && grid.dims[0] == x.dims[0] && grid.dims[rank + 1] == rank,
      "the grid should have \(rank) coordinates for each place of each image")
    try request.requireResult([x.dims[0], x.dims[1]] + grid.dims[1...rank])
    try request.require(x.dims[2...].allSatisfy { $0 > 0 }, "an image without elements cannot be sampled")
    axes = (2..<x.rank).map { axis in
      SampledAxis(
        size: x.dims[axis], step: x.strides[axis], outside: sample.outside, alignCorners: sample.alignCorners)
    }
    (images, channels) = (x.dims[0], x.dims[1])
    input = x.dims[2...].reduce(1, *)
    output = grid.dims[1...rank].reduce(1, *)
  }

  @inline(__always) func coordinates<Coordinate>(
    _ grid: UnsafePointer<Coordinate>, _ image: Int, _ place: Int
  ) -> UnsafePointer<Coordinate> {
    grid + (image &* output &+ place) &* axes.count
  }

  /// Calls `body` with every image and its places in the result, some at a time.
  @inline(__always) func forEachBlock(of size: Int, _ body: (_ image: Int, _ places: Range<Int>) -> Void) {
    for image in 0..<images {
      for first in stride(from: 0, to: output, by: size) { body(image, first..<min(first &+ size, output)) }
    }
  }

  /// Calls `body` with the first element of every channel, in x and in the result.
  @inline(__always) func forEachChannel(_ image: Int, _ body: (_ from: Int, _ to: Int) -> Void) {
    for channel in image &* channels..<(image &+ 1) &* channels {
      body(channel &* input, channel &* output)
    }
  }
}
