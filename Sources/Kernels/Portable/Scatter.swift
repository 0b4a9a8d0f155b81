import Device
import ModelGraph
import Tensors

extension ScatterND: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try ScatterNDProgram.build(reduction, request) }
}

/// ONNX `ScatterND`: data, indices, updates.
enum ScatterNDProgram {
  static func build(_ reduction: ScatterReduction, _ request: KernelRequest) throws -> Program? {
    let (data, indices) = (try request.operand(0), try request.operand(1))
    guard let reader = try Indices(request, 1), let update = try ScatterUpdate(reduction, request) else {
      return try ScatterUpdate.converted(reduction, request)
    }
    let tuples = try TupleIndex(request, data.shape, indices.shape, batch: 0)
    let expected = Array(indices.shape.dims.dropLast()) + tuples.sliceDims
    try request.require(try request.operand(2).shape.dims == expected, "the updates should be \(expected)")
    return update.program("scatter nd") { frame in
      try tuples.forEach(reader, frame) { position, offset in
        update.apply(frame, from: position &* tuples.slice, to: offset, count: tuples.slice)
      }
    }
  }
}

extension ScatterElements: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try ScatterElementsProgram.build(axis: axis, reduction, request)
  }
}

/// ONNX `ScatterElements`: data, indices, updates.
enum ScatterElementsProgram {
  static func build(axis: Int, _ reduction: ScatterReduction, _ request: KernelRequest) throws -> Program? {
    let (data, indices) = (try request.operand(0), try request.operand(1))
    guard let reader = try Indices(request, 1), let update = try ScatterUpdate(reduction, request) else {
      return try ScatterUpdate.converted(reduction, request)
    }
    try request.require(
      try request.operand(2).shape == indices.shape, "updates and indices should have one shape")
    let axis = try request.axis(axis, rank: data.shape.rank)
    let walk = try ElementIndex(request, data.shape, indices.shape, axis)
    return update.program("scatter elements") { frame in
      try walk.forEach(reader, frame) { position, offset in
        update.apply(frame, from: position, to: offset, count: 1)
      }
    }
  }
}

/// The combination of an update with the element that it hits.
private struct ScatterUpdate: Sendable {
  /// From updates, to the result, elements.
  private let loop: @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void
  private let size: Int
  private let bytes: Int
  private let inPlaceOperands: [Int]

  /// - Returns: `nil` when the element type must be converted first.
  init?(_ reduction: ScatterReduction, _ request: KernelRequest) throws {
    let data = try request.operand(0)
    try request.requireSameType(0)
    try request.requireSameType(2)
    try request.requireResult(data.shape.dims)
    guard let size = request.elementSize(data.elementType) else { return nil }
    self.size = size
    inPlaceOperands = request.inPlace(0)
    bytes = data.shape.elementCount * size
    if reduction == .replace {
      loop = { from, to, count in to.copyMemory(from: from, byteCount: count * size) }
      return
    }
    switch data.elementType {
    case .float32: loop = ScatterUpdate.loop(reduction, Float.self)
    case .float64: loop = ScatterUpdate.loop(reduction, Double.self)
    case .int64: loop = ScatterUpdate.loop(reduction, Int64.self)
    case .uint64: loop = ScatterUpdate.loop(reduction, UInt64.self)
    default: return nil
    }
  }

  /// The request in a type that arithmetic is done in; `nil` when that is not what it lacked.
  static func converted(_ reduction: ScatterReduction, _ request: KernelRequest) throws -> Program? {
    let type = try request.operand(0).elementType
    let indices = try request.operand(1).elementType
    let isOrdered = reduction == .maximum || reduction == .minimum
    guard reduction != .replace, indices == .int64 || indices == .int32,
      let wide = Conversion.foldType(type, ordered: isOrdered)
    else { return nil }
    return try Conversion.ifNeeded(request, operands: [0: wide, 2: wide], results: [0: wide]) ?? nil
  }

  private static func loop<Element: Number>(_ reduction: ScatterReduction, _ type: Element.Type)
    -> @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void
  {
    { from, to, count in
      switch reduction {
      case .replace: break
      case .add: zipElements(type, to, 1, from, 1, to, count) { Element.sum($0, $1) }
      case .multiply: zipElements(type, to, 1, from, 1, to, count) { Element.product($0, $1) }
      case .maximum: zipElements(type, to, 1, from, 1, to, count) { Element.larger($0, $1) }
      case .minimum: zipElements(type, to, 1, from, 1, to, count) { Element.smaller($0, $1) }
      }
    }
  }

  func program(_ name: String, _ scatter: @escaping Program.Body) -> Program {
    Program(name: name, inPlaceOperands: inPlaceOperands) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      if from != UnsafePointer(to) { to.update(from: from, count: bytes) }
      try scatter(frame)
    }
  }

  /// Both offsets are in elements and were checked.
  @inline(__always)
  func apply(_ frame: Frame, from: Int, to: Int, count: Int) {
    guard let updates = frame.operands[2], let result = frame.results[0] else { return }
    loop(updates + from &* size, result + to &* size, count)
  }
}
