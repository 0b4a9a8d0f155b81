import Device
import ModelGraph
import Tensors

extension ColumnsToImage: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ColumnsToImageProgram.build(self, request) }
}

/// ONNX `Col2Im`: columns, image, block. The result's shape has the sizes of the image.
enum ColumnsToImageProgram {
  static func build(_ columns: ColumnsToImage, _ request: KernelRequest) throws -> Program? {
    let operand = try request.operand(0)
    try request.requireSameType(0)
    guard let wide = Conversion.foldType(operand.elementType, ordered: false) else { return nil }
    if let program = try Conversion.ifNeeded(request, operands: [0: wide], results: [0: wide]) {
      return program
    }
    let result = try request.result(0).shape.dims
    if columns.strides.count > 3 { return nil }
    try request.require(
      operand.shape.rank == 3 && result.count == columns.strides.count + 2
        && result[0] == operand.shape.dims[0],
      "columns and image do not fit together")
    let plain = request.withoutElements
    let block = try Deferred([try Parameter(request, 2)]) { values in
      try axes(columns, block: values[0] ?? [], plain)
    }
    switch operand.elementType {
    case .float32: return program(Float.self, block, result)
    case .float64: return program(Double.self, block, result)
    case .int64: return program(Int64.self, block, result)
    default: return nil
    }
  }

  private static func axes(_ columns: ColumnsToImage, block: [Int], _ request: KernelRequest) throws
    -> [WindowAxis]
  {
    let (given, result) = (try request.operand(0).shape.dims, try request.result(0).shape.dims)
    let image = Array(result[2...])
    // With as many places as the image has elements, to have the sizes checked first.
    guard
      var axes = try request.window(
        image, image, size: block, strides: columns.strides, dilations: columns.dilations,
        padding: .explicit(columns.pads))
    else { throw request.invalid("there are more than three spatial axes") }
    var (taps, places) = (result[1], 1)
    for index in axes.indices {
      let axis = axes[index]
      let room = axis.input + axis.before + axis.after - (axis.size - 1) * axis.dilation - 1
      axes[index].output = room < 0 ? 0 : room / axis.stride + 1
      let (moreTaps, moreTapsOverflow) = taps.multipliedReportingOverflow(by: axis.size)
      let (morePlaces, morePlacesOverflow) = places.multipliedReportingOverflow(by: axes[index].output)
      try request.require(!moreTapsOverflow && !morePlacesOverflow, "the block is too large")
      (taps, places) = (moreTaps, morePlaces)
    }
    try request.require(given[1] == taps && given[2] == places, "the columns should be \(taps) by \(places)")
    return axes
  }

  private static func program<Element: Number>(
    _ type: Element.Type, _ block: Deferred<Parameter, [WindowAxis]>, _ result: [Int]
  ) -> Program {
    let planes = result[0] * result[1]
    let size = result[2...].reduce(1, *)
    return Program(name: "columns to image") { frame in
      let axes = try block.plan(frame)
      let places = axes.reduce(1) { $0 &* $1.output }
      var column = try frame.operand(0, as: type)
      let target = try frame.result(0, as: type)
      for plane in 0..<planes {
        let image = target + plane &* size
        image.update(repeating: Element.zero, count: size)
        for depth in 0..<axes[0].size {
          for row in 0..<axes[1].size {
            for tap in 0..<axes[2].size {
              add(column, image, axes, (depth, row, tap))
              column += places
            }
          }
        }
      }
    }
  }

  /// Adds the column of one tap to an image.
  @inline(__always)
  private static func add<Element: Number>(
    _ column: UnsafePointer<Element>, _ image: UnsafeMutablePointer<Element>, _ axes: [WindowAxis],
    _ tap: (Int, Int, Int)
  ) {
    let (depth, row, line) = (axes[0], axes[1], axes[2])
    let places = line.outputs(tap: tap.2)
    let start = line.start(places.lowerBound) &+ tap.2 &* line.dilation
    for z in depth.outputs(tap: tap.0) {
      let slab = (depth.start(z) &+ tap.0 &* depth.dilation) &* row.input
      for y in row.outputs(tap: tap.1) {
        let from = column + ((z &* row.output &+ y) &* line.output &+ places.lowerBound)
        let to = image + ((slab &+ row.start(y) &+ tap.1 &* row.dilation) &* line.input &+ start)
        var (index, place) = (0, 0)
        while index < places.count {
          to[place] = Element.sum(to[place], from[index])
          index &+= 1
          place &+= line.stride
        }
      }
    }
  }
}
