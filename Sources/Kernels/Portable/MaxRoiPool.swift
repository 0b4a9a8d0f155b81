import Device
import ModelGraph
import Tensors

extension MaxRoiPool: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try MaxRoiPoolProgram.build(self, request) }
}

/// ONNX `MaxRoiPool`: x, regions (image, x₁, y₁, x₂, y₂). A bin without elements gives zero.
enum MaxRoiPoolProgram {
  static func build(_ pool: MaxRoiPool, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let (x, regions) = (try request.operand(0).shape.dims, try request.operand(1).shape.dims)
    try request.require(
      x.count == 4 && regions.count == 2 && regions[1] == 5, "an image and its regions are needed")
    try request.require(pool.height > 0 && pool.width > 0, "the result should have elements")
    try request.requireResult([regions[0], x[1], pool.height, pool.width])
    return try request.result(0).elementType == .float64
      ? program(Double.self, pool, x, regions[0], request.withoutElements)
      : program(Float.self, pool, x, regions[0], request.withoutElements)
  }

  private static func program<Element: Real>(
    _ type: Element.Type, _ pool: MaxRoiPool, _ x: [Int], _ count: Int, _ errors: KernelRequest
  ) -> Program {
    let (channels, height, width) = (x[1], x[2], x[3])
    return Program(name: "max roi pool") { frame in
      let (source, regions) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
      var place = try frame.result(0, as: type)
      for region in 0..<count {
        let numbers = regions + region &* 5
        guard numbers[0] >= 0, numbers[0] < Element(x[0]) else {
          throw errors.invalid("the image \(numbers[0]) of a region is none of \(x[0])")
        }
        let first = source + Int(numbers[0]) &* channels &* height &* width
        let rows = RegionAxis(pool, numbers[2], numbers[4], bins: pool.height, size: height)
        let columns = RegionAxis(pool, numbers[1], numbers[3], bins: pool.width, size: width)
        for channel in 0..<channels {
          let plane = first + channel &* height &* width
          for row in 0..<pool.height {
            let lines = rows.elements(row)
            for column in 0..<pool.width {
              place.pointee = maximum(plane, lines, columns.elements(column), width)
              place += 1
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func maximum<Element: Real>(
    _ plane: UnsafePointer<Element>, _ rows: Range<Int>, _ columns: Range<Int>, _ width: Int
  ) -> Element {
    if rows.isEmpty || columns.isEmpty { return 0 }
    var best = Element.lowest
    for row in rows {
      for column in columns {
        let value = plane[row &* width &+ column]
        best = value > best ? value : best
      }
    }
    return best
  }
}

/// One axis of a region, which has whole elements, split into bins.
private struct RegionAxis<Element: Real> {
  private let start: Int
  private let bin: Element
  private let size: Int

  init(_ pool: MaxRoiPool, _ low: Element, _ high: Element, bins: Int, size: Int) {
    func whole(_ number: Element) -> Int {
      let rounded = (number * Element(pool.scale)).rounded(.toNearestOrAwayFromZero)
      return rounded.magnitude < 0x1p30 ? Int(rounded) : rounded < 0 ? -1 << 30 : 1 << 30
    }
    start = whole(low)
    bin = Element(max(whole(high) - start + 1, 1)) / Element(bins)
    self.size = size
  }

  /// The elements of the image that a bin covers.
  func elements(_ number: Int) -> Range<Int> {
    let low = Int((Element(number) * bin).rounded(.down)) + start
    let high = Int((Element(number + 1) * bin).rounded(.up)) + start
    let first = min(max(low, 0), size)
    return first..<max(first, min(max(high, 0), size))
  }
}
