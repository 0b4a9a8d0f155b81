import Device
import ModelGraph
import Tensors

extension DeformableColumns: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try DeformableColumnsProgram.build(self, request)
  }
}

/// The columns of ONNX `DeformConv`: x, offset, mask (optional). Outside of the image there are zeros.
enum DeformableColumnsProgram {
  static func build(_ columns: DeformableColumns, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    guard let geometry = try DeformableGeometry(columns, request) else { return nil }
    return try request.result(0).elementType == .float64
      ? program(Double.self, geometry) : program(Float.self, geometry)
  }

  private static func program<Element: Real>(_ type: Element.Type, _ geometry: DeformableGeometry) -> Program
  {
    typealias Taps = SampleTaps<Element>
    let (block, capacity) = (256, 1 << geometry.axes.count)
    let lists = Taps.bytes(capacity, lists: block)
    return Program(
      name: "deformable columns", scratchBytes: lists + block * MemoryLayout<Int>.stride
    ) { frame in
      let (source, offsets) = (try frame.operand(0, as: type), try frame.operand(1, as: type))
      let (mask, target) = (frame.optional(2, as: type), try frame.result(0, as: type))
      let memory = try frame.scratch(as: UInt8.self)
      let counts = try frame.scratch(at: lists, as: Int.self)
      geometry.forEachBlock(of: block) { row, tap, places in
        for place in places {
          let list = place &- places.lowerBound
          var taps = Taps(memory, capacity: capacity, list: list, of: block)
          taps.start(mask?[row &* geometry.places &+ place] ?? 1)
          for axis in 0..<geometry.axes.count {
            let moved = offsets[(row &* geometry.axes.count &+ axis) &* geometry.places &+ place]
            taps.linear(geometry.axes[axis], Element(geometry.start(axis, tap, place)) + moved)
          }
          counts[list] = taps.count
        }
        geometry.forEachChannel(row, tap) { from, to in
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

/// The sizes of images, offsets and columns.
private struct DeformableGeometry: Sendable {
  /// The image's axes, outermost first.
  let axes: [SampledAxis]
  /// The places of the window.
  let places: Int
  private let windows: [WindowAxis]
  private let taps: Int
  private let input: Int
  private let rows: Int
  private let groupChannels: Int

  /// - Returns: `nil` for more than three spatial axes.
  init?(_ columns: DeformableColumns, _ request: KernelRequest) throws {
    let (x, offset) = (try request.operand(0).shape, try request.operand(1).shape)
    let (rank, groups) = (x.rank - 2, columns.offsetGroups)
    try request.require(
      rank >= 1 && offset.rank == x.rank && offset.dims[0] == x.dims[0] && groups > 0
        && columns.window.groups > 0, "image and offsets do not fit together")
    let outputs = Array(offset.dims[2...])
    guard
      let axes = try request.window(
        Array(x.dims[2...]), outputs, size: columns.kernel, strides: columns.window.strides,
        dilations: columns.window.dilations, padding: columns.window.padding)
    else { return nil }
    var taps = 1
    for size in columns.kernel {
      let (product, overflow) = taps.multipliedReportingOverflow(by: size)
      try request.require(!overflow, "the window is too large")
      taps = product
    }
    let channels = x.dims[1]
    let (offsetRows, overflow) = groups.multipliedReportingOverflow(by: taps)
    try request.require(
      !overflow && channels % groups == 0 && channels % columns.window.groups == 0
        && offset.dims[1] == offsetRows.multipliedReportingOverflow(by: rank).partialValue,
      "channels, offsets and groups do not fit together")
    if let mask = request.optionalOperand(2) {
      try request.require(
        mask.shape.dims == [x.dims[0], offsetRows] + outputs, "the mask should be one number a tap and place")
    }
    places = outputs.reduce(1, *)
    try request.requireResult([
      x.dims[0], columns.window.groups,
      (channels / columns.window.groups).multipliedReportingOverflow(by: taps).partialValue, places,
    ])
    self.axes = (2..<x.rank).map { SampledAxis(size: x.dims[$0], step: x.strides[$0]) }
    windows = Array(axes.suffix(rank))
    self.taps = taps
    input = x.dims[2...].reduce(1, *)
    rows = x.dims[0] * offsetRows
    groupChannels = channels / groups
  }

  /// Calls `body` with every row of the masks, its tap, and its places, some at a time.
  @inline(__always) func forEachBlock(of size: Int, _ body: (Int, Int, Range<Int>) -> Void) {
    for row in 0..<rows {
      for first in stride(from: 0, to: places, by: size) {
        body(row, row % taps, first..<min(first &+ size, places))
      }
    }
  }

  /// Calls `body` with the first element of every channel of the row's group, in x and in the columns.
  @inline(__always) func forEachChannel(_ row: Int, _ tap: Int, _ body: (Int, Int) -> Void) {
    let group = row / taps
    for channel in group &* groupChannels..<(group &+ 1) &* groupChannels {
      body(channel &* input, (channel &* taps &+ tap) &* places)
    }
  }

  /// The place in the image of a tap without its offset, along one axis.
  @inline(__always) func start(_ axis: Int, _ tap: Int, _ place: Int) -> Int {
    var (tap, place) = (tap, place)
    var other = windows.count &- 1
    while other > axis {
      tap /= windows[other].size
      place /= windows[other].output
      other &-= 1
    }
    let window = windows[axis]
    return window.start(place % window.output) &+ tap % window.size &* window.dilation
  }
}
