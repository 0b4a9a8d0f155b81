import Device
import Foundation
import ModelGraph
import Tensors

extension StringCast: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    let (operand, result) = (try request.operand(0), try request.result(0))
    try request.requireResult(operand.shape.dims)
    let count = operand.shape.elementCount
    if operand.elementType == .string {
      // Small types are converted from wide ones.
      switch result.elementType {
      case .float64: return parsing(count) { try NumberText.real($0) }
      case .float32: return parsing(count) { Float(try NumberText.real($0)) }
      case .float16: return parsing(count) { Float16(converting: try NumberText.real($0)) }
      case .bfloat16: return parsing(count) { BFloat16(Float(try NumberText.real($0))) }
      case .uint64: return parsing(count) { try NumberText.unsigned($0) }
      case .int64: return parsing(count) { try NumberText.signed($0) }
      case .int32: return parsing(count) { Int32(truncatingIfNeeded: try NumberText.signed($0)) }
      case .int16: return parsing(count) { Int16(truncatingIfNeeded: try NumberText.signed($0)) }
      case .int8: return parsing(count) { Int8(truncatingIfNeeded: try NumberText.signed($0)) }
      case .uint32: return parsing(count) { UInt32(truncatingIfNeeded: try NumberText.unsigned($0)) }
      case .uint16: return parsing(count) { UInt16(truncatingIfNeeded: try NumberText.unsigned($0)) }
      case .uint8: return parsing(count) { UInt8(truncatingIfNeeded: try NumberText.unsigned($0)) }
      case .bool: return parsing(count) { UInt8(try NumberText.signed($0) == 0 ? 0 : 1) }
      default: return nil
      }
    }
    guard result.elementType == .string else { return nil }
    switch operand.elementType {
    case .float64: return writing(count, Double.self) { NumberText.text($0) }
    case .float32: return writing(count, Float.self) { NumberText.text(Double($0)) }
    case .float16: return writing(count, Float16.self) { NumberText.text(Double($0)) }
    case .bfloat16: return writing(count, BFloat16.self) { NumberText.text(Double(Float($0))) }
    case .uint64: return writing(count, UInt64.self) { "\($0)" }
    case .int64: return writing(count, Int64.self) { "\($0)" }
    case .int32: return writing(count, Int32.self) { "\($0)" }
    case .int16: return writing(count, Int16.self) { "\($0)" }
    case .int8: return writing(count, Int8.self) { "\($0)" }
    case .uint32: return writing(count, UInt32.self) { "\($0)" }
    case .uint16: return writing(count, UInt16.self) { "\($0)" }
    case .uint8: return writing(count, UInt8.self) { "\($0)" }
    case .bool: return writing(count, UInt8.self) { $0 == 0 ? "0" : "1" }
    default:
      let wide: ElementType = operand.elementType.isSmallFloat ? .float32 : .int64
      return try Conversion.ifNeeded(request, operands: [0: wide]) ?? nil
    }
  }

  private func parsing<Number: BitwiseCopyable & Sendable>(
    _ count: Int, _ parse: @escaping @Sendable (UnsafeBufferPointer<UInt8>) throws -> Number
  ) -> Program {
    Program(name: "string to \(target)") { frame in
      let source = try frame.operand(0, as: UInt64.self)
      let target = try frame.result(0, as: Number.self)
      let table = try frame.table()
      for index in 0..<count { target[index] = try table.withBytes(source[index], parse) }
    }
  }

  private func writing<Number: BitwiseCopyable & Sendable>(
    _ count: Int, _: Number.Type, _ text: @escaping @Sendable (Number) -> String
  ) -> Program {
    Program(name: "\(Number.self) to string") { frame in
      let source = try frame.operand(0, as: Number.self)
      let target = try frame.result(0, as: UInt64.self)
      let table = try frame.table()
      for index in 0..<count { target[index] = try table.add(text(source[index]).utf8) }
    }
  }
}
