import Device
import ModelGraph
import Tensors

/// Numbers that steer a kernel: known when the plan is made, or read in each call.
protocol Steering: Sendable {
  associatedtype Number
  /// The numbers when the operand is an immediate.
  var known: [Number]? { get }
  /// The numbers of this call.
  func values(_ frame: Frame) throws -> [Number]
}

/// Small integers that steer a kernel (axes, starts, repeats): known when the plan is made, or read in each call.
struct Parameter: Steering {
  private let index: Int
  private let elementType: ElementType
  private let count: Int
  /// The integers when the operand is an immediate.
  let known: [Int]?

  /// More than any model's axes; a bound for what is copied in a call.
  private static let maximumCount = 1 << 16

  /// The operand `index` of the request; `nil` when it is left out.
  init?(_ request: KernelRequest, _ index: Int) throws {
    guard let operand = request.optionalOperand(index) else { return nil }
    try request.require(
      operand.elementType.isInteger && operand.elementType.bitWidth >= 8,
      "operand \(index) should hold integers")
    try request.require(
      operand.shape.elementCount <= Parameter.maximumCount,
      "operand \(index) holds too many numbers to steer a kernel")
    self.index = index
    elementType = operand.elementType
    count = operand.shape.elementCount
    known = operand.immediate?.integers
  }

  /// The integers of this call.
  func values(_ frame: Frame) throws -> [Int] {
    if let known { return known }
    if count == 0 { return [] }
    let bytes = UnsafeRawBufferPointer(
      start: try frame.operand(index, as: UInt8.self), count: elementType.byteCount(of: count) ?? 0)
    guard let shape = try? Shape(checking: [count]),
      let tensor = try? Tensor(elementType: elementType, shape: shape, fill: { $0.copyMemory(from: bytes) }),
      let integers = tensor.integers
    else { throw DeviceError(.invalidArgument, "cannot read operand \(index)") }
    return integers
  }
}

/// Makes what a kernel needs to know from its parameters: once when they are all known, else in each call.
struct Deferred<Parameter: Steering, Plan: Sendable>: Sendable {
  private let parameters: [Parameter?]
  private let make: @Sendable ([[Parameter.Number]?]) throws -> Plan
  /// The plan of every call, when the parameters are all known.
  let known: Plan?

  init(_ parameters: [Parameter?], _ make: @escaping @Sendable ([[Parameter.Number]?]) throws -> Plan) throws
  {
    self.parameters = parameters
    self.make = make
    let isKnown = parameters.allSatisfy { $0 == nil || $0?.known != nil }
    known = isKnown ? try make(parameters.map { $0?.known }) : nil
  }

  func plan(_ frame: Frame) throws -> Plan {
    if let known { return known }
    return try make(try parameters.map { try $0?.values(frame) })
  }
}
