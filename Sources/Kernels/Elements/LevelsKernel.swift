import CElements
import Device
import ModelGraph
import Tensors

extension Quantize: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    try engine.levels(request, levels: target, quantizes: true)
  }
}

extension Dequantize: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard let levels = request.ownOperand(0)?.elementType else { return nil }
    return try engine.levels(request, levels: levels, quantizes: false)
  }
}

extension OneDNNEngine {
  /// ONNX `QuantizeLinear` and `DequantizeLinear` between `float32` and 8-bit levels of one scale, in the layout that the operand
  /// comes in; `nil` for others.
  fileprivate func levels(_ request: KernelRequest, levels: ElementType, quantizes: Bool) throws -> (
    any Kernel
  )? {
    let (given, made): (ElementType, ElementType) = quantizes ? (.float32, levels) : (levels, .float32)
    guard levels == .int8 || levels == .uint8, request.postOps.isEmpty, !request.isEmpty,
      let x = request.ownOperand(0),
      let y = request.optionalResult(0), x.elementType == given, y.elementType == made, x.shape == y.shape,
      x.immediate == nil, let scale = request.ownOperand(1), scale.shape.elementCount == 1,
      scale.elementType == .float32, scale.layout == .plain
    else { return nil }
    if let zero = request.ownOperand(2) {
      guard zero.shape.elementCount == 1, zero.elementType == levels, zero.layout == .plain else {
        return nil
      }
    }
    // The places of padding have to be zero, and levels of zero need not be.
    let count = x.shape.elementCount
    guard try byteCount(of: given, x.shape, in: x.layout) == count * (quantizes ? 4 : 1),
      let dataType = made.dataType
    else { return nil }
    var layout = x.layout
    if layout != .plain {
      var stored = try StoredLayout(layout, of: given, x.shape)
      stored.dataType = dataType.rawValue
      layout = stored.layout
    }
    var call = fi_levels()
    call.is_signed = levels == .int8 ? 1 : 0
    call.quantizes = quantizes ? 1 : 0
    call.count = count
    return LevelsKernel(request, call, from: x.layout, to: layout)
  }
}

/// A conversion between floats and levels.
private final class LevelsKernel: Kernel {
  let implementation: String
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  private let levels: fi_levels
  private let request: KernelRequest
  private let scale: Float?
  private let zero: Int32?

  init(_ request: KernelRequest, _ levels: fi_levels, from: Layout, to: Layout) {
    implementation = levels.quantizes != 0 ? "levels of floats" : "floats of levels"
    var layouts = request.operands.map { _ in Layout.plain }
    layouts[0] = from
    operandLayouts = layouts
    resultLayouts = [to]
    self.levels = levels
    scale = request.ownOperand(1)?.immediate?.floats?.first
    let zeroPoint = request.ownOperand(2)
    zero =
      zeroPoint == nil ? 0 : zeroPoint?.immediate?.integers?.first.map { Int32(truncatingIfNeeded: $0) }
    self.request = request.withoutElements
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    let host = try HostMemory.of(memory)
    func place(_ location: Location?) throws -> UnsafeMutableRawPointer {
      guard let location else {
        throw DeviceError(.invalidArgument, "no memory was given for an operand or the result", in: request)
      }
      return try host.pointer(location)
    }
    var levels = levels
    // Device memory holds plain numbers alone, and the request says of which types.
    levels.scale = try scale ?? place(call.operands[1]).load(as: Float.self)
    if let zero {
      levels.zero = zero
    } else {
      let pointer = try place(call.operands[2])
      levels.zero =
        levels.is_signed != 0 ? Int32(pointer.load(as: Int8.self)) : Int32(pointer.load(as: UInt8.self))
    }
    let (from, to) = (try place(call.operands[0]), try place(call.results[0]))
    fi_levels_run(&levels, from, to, Int32(clamping: threads))
  }
}
