import CDNNL
import CElements
import Device
import ModelGraph
import Tensors

extension LevelArithmetic: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard request.postOps.isEmpty, !request.isEmpty else { return nil }
    let body = try body(request)
    let (a, b) = (try request.operand(0), try request.operand(1))
    // A blocked layout costs more to leave than a plain one.
    let chosen = a.layout != .plain ? a : b
    guard !a.isWeight, !b.isWeight, a.immediate == nil, b.immediate == nil,
      let inner = try engine.layout(chosen, as: a.elementType),
      let other = try engine.layout(chosen, as: b.elementType),
      let made = try engine.layout(chosen, as: range.elementType)
    else { return try ThreadedKernel(Self.name, request, inPlaceOperands: [0, 1], body) }
    return try ThreadedKernel(
      Self.name, request, layouts: [0: inner, 1: other], result: made, inPlaceOperands: [0, 1], body)
  }
}

extension LevelAffine: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard request.postOps.isEmpty, !request.isEmpty else { return nil }
    let x = try request.operand(0)
    guard axis == 1, x.shape.rank >= 3, x.shape.elementCount > 0, x.immediate == nil, !x.isWeight,
      x.layout != .plain, try channelsLast(x.shape, x.elementType) == x.layout,
      let made = try channelsLast(x.shape, range.elementType)
    else {
      return try ThreadedKernel(
        Self.name, request, inPlaceOperands: [0], try body(request, channelsAreLast: false))
    }
    return try ThreadedKernel(
      Self.name, request, layouts: [0: x.layout], result: made, inPlaceOperands: [0],
      try body(request, channelsAreLast: true))
  }

  private func channelsLast(_ shape: Shape, _ type: ElementType) throws -> Layout? {
    guard let data = type.dataType else { return nil }
    let order = [0] + (2..<shape.rank) + [1]
    return try Layout(TensorView(shape.dims, order: order).descriptor(data), of: TensorView(shape))
  }
}

extension LevelTable: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard request.postOps.isEmpty, !request.isEmpty else { return nil }
    let body = try body(request)
    let (x, table) = (try request.operand(0), try request.operand(1))
    guard !x.isWeight, x.immediate == nil, let given = try engine.layout(x, as: x.elementType),
      let made = try engine.layout(x, as: table.elementType)
    else { return try ThreadedKernel(Self.name, request, inPlaceOperands: [0], body) }
    return try ThreadedKernel(
      Self.name, request, layouts: [0: given], result: made, inPlaceOperands: [0], body)
  }
}

extension DynamicQuantize: ComposedOperator {
  func kernel(_ request: KernelRequest, on engine: OneDNNEngine) throws -> (any Kernel)? {
    guard request.postOps.isEmpty, !request.isEmpty else { return nil }
    let body = try body(request)
    let x = try request.operand(0)
    guard !x.isWeight, x.immediate == nil, let given = try engine.layout(x, as: .float32),
      let made = try engine.layout(x, as: .uint8)
    else { return try ThreadedKernel(Self.name, request, body) }
    return try ThreadedKernel(Self.name, request, layouts: [0: given], result: made, body)
  }
}

extension OneDNNEngine {
  /// The layout of `operand`, for elements of another type; `nil` if it has places of padding, which have to be zero.
  fileprivate func layout(_ operand: Operand, as type: ElementType) throws -> Layout? {
    if operand.layout == .plain { return .plain }
    guard let data = type.dataType,
      try byteCount(of: operand.elementType, operand.shape, in: operand.layout)
        == operand.elementType.byteCount(of: operand.shape.elementCount)
    else { return nil }
    var stored = try StoredLayout(operand.layout, of: operand.elementType, operand.shape)
    stored.dataType = data.rawValue
    return stored.layout
  }
}
