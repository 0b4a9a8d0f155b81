import Device
import ModelGraph

/// An operator that only gives the same bytes another shape.
protocol PortableView: PortableOperator {}

extension PortableView {
  func program(_ request: KernelRequest) throws -> Program? { try ViewProgram.build(request) }
}

extension Identity: PortableView {}
extension Reshape: PortableView {}
extension Flatten: PortableView {}
extension Squeeze: PortableView {}
extension Unsqueeze: PortableView {}

/// Ops that only give the same bytes another shape.
enum ViewProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireSameType(0)
    try request.require(
      operand.shape.elementCount == result.shape.elementCount, "the shapes hold different numbers of elements"
    )
    guard let bytes = operand.elementType.byteCount(of: operand.shape.elementCount) else { return nil }
    return Program(name: "view", inPlaceOperands: [0], aliasedOperand: 0) { frame in
      let (from, to) = (try frame.operand(0, as: UInt8.self), try frame.result(0, as: UInt8.self))
      if from != UnsafePointer(to) { to.update(from: from, count: bytes) }
    }
  }
}
