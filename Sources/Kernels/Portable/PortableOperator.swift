import Device
import ModelGraph
import Tensors

/// An operator that has a kernel in Swift. Each conforms in the file of its program.
protocol PortableOperator: Operator {
  /// Returns a program for the request's op alone, or `nil` if there is none for these element types.
  func program(_ request: KernelRequest) throws -> Program?
}

extension Program {
  /// A program for the request's op alone, or `nil` when there is none for these element types.
  static func build(_ request: KernelRequest) throws -> Program? {
    guard let kind = request.op.base as? any PortableOperator else { return nil }
    return try kind.program(request) ?? packedMovement(request)
  }

  /// A program that moves elements of types that share a byte: each in a byte of its own.
  private static func packedMovement(_ request: KernelRequest) throws -> Program? {
    guard Swift.type(of: request.op.base).family == .movement else { return nil }
    func apart(_ types: [ElementType?]) -> [Int: ElementType] {
      let packed = types.enumerated().compactMap { index, type in
        type.flatMap { $0.isPacked ? (index, $0 == .float4E2M1 ? .float8E4M3FN : $0.wideType) : nil }
      }
      return Dictionary(uniqueKeysWithValues: packed)
    }
    let operands = apart(request.operands.map { $0?.elementType })
    let results = apart(request.results.map { $0?.elementType })
    guard !operands.isEmpty, !results.isEmpty else { return nil }
    return try Conversion.ifNeeded(request, operands: operands, results: results) ?? nil
  }
}
