import Device
import ModelGraph

/// An operator that has a kernel in Swift. Each conforms in the file of its program.
protocol PortableOperator: Operator {
  /// Returns a program for the request's op alone, or `nil` if there is none for these element types.
  func program(_ request: KernelRequest) throws -> Program?
}

extension Program {
  /// A program for the request's op alone, or `nil` when there is none for these element types.
  static func build(_ request: KernelRequest) throws -> Program? {
    try (request.op.base as? any PortableOperator)?.program(request)
  }
}
