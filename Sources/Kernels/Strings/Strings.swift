import Device
import ModelGraph
import Tensors

extension Strings: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try request.requireStrings(result: 0)
    try request.requireResult(shape.dims)
    try request.require(list.count == shape.elementCount, "\(list.count) texts for the shape \(shape)")
    let constant = StringConstant(list)
    let count = list.count
    return Program(name: "strings", footprint: list.byteCount) { frame in
      let place = try frame.table().attach(constant)
      let target = try frame.result(0, as: UInt64.self)
      for index in 0..<count {
        target[index] = constant.list[index].isEmpty ? 0 : place + UInt64(index + 1)
      }
    }
  }
}

extension Frame {
  /// The texts of the run.
  func table() throws -> StringTable {
    guard let strings else { throw DeviceError(.memory, "a kernel was called without a table of texts") }
    return strings
  }
}

extension KernelRequest {
  func requireStrings(operand index: Int) throws {
    let type = try operand(index).elementType
    try require(type == .string, "operand \(index) should have texts, not \(type)")
  }

  func requireStrings(result index: Int) throws {
    let type = try result(index).elementType
    try require(type == .string, "result \(index) should have texts, not \(type)")
  }
}
