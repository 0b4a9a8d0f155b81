/// An element type of a tensor.
protocol Number: Sendable {
  /// Nil where the type has no such value.
  init?(number: Double)
  var number: Double { get }
}

extension Number where Self: FixedWidthInteger {
  init?(number: Double) { self.init(exactly: number) }
  var number: Double { Double(self) }
}

extension Number where Self: BinaryFloatingPoint {
  init?(number: Double) { self.init(number) }
  var number: Double { Double(self) }
}

extension Int8: Number {}
extension Int16: Number {}
extension Int32: Number {}
extension Int64: Number {}
extension UInt8: Number {}
extension UInt16: Number {}
extension UInt32: Number {}
extension UInt64: Number {}
extension Float16: Number {}
extension Float: Number {}
extension Double: Number {}

/// The protocol's names of the types that Swift has.
let numberTypes: [String: any Number.Type] = [
  "BOOL": UInt8.self, "INT8": Int8.self, "INT16": Int16.self, "INT32": Int32.self, "INT64": Int64.self,
  "UINT8": UInt8.self, "UINT16": UInt16.self, "UINT32": UInt32.self, "UINT64": UInt64.self,
  "FP16": Float16.self, "FP32": Float.self, "FP64": Double.self,
]
