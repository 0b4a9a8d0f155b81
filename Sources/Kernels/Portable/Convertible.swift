import Tensors

/// An element that can be turned into any other element type.
///
/// Floating-point numbers become integers by truncation. Out of an integer's range they become what x86's own
/// instruction gives, as in onnxruntime: the lowest `Int32` or `Int64`, cut down to the narrower type. Integers wrap.
protocol Convertible: TensorElement {
  init(converting value: Float)
  init(converting value: Double)
  init(converting value: Int64)
  init(converting value: UInt64)
  func converted<Target: Convertible>(to type: Target.Type) -> Target
}

/// A `bool` in memory. Any nonzero byte reads as true; zero and one are written.
struct Truth: TensorElement {
  static var elementType: ElementType { .bool }
  var byte: UInt8
  init(_ value: Bool) { byte = value ? 1 : 0 }
}

extension Int32 {
  /// Truncates; out of range the lowest.
  @inline(__always) init(truncating value: Float) {
    self = value > -2_147_483_904 && value < 2_147_483_648 ? Int32(value) : .min
  }
  @inline(__always) init(truncating value: Double) {
    self = value > -2_147_483_649 && value < 2_147_483_648 ? Int32(value) : .min
  }
}

extension Int64 {
  /// Truncates; out of range the lowest.
  @inline(__always) init(truncating value: Float) {
    self = value >= -0x1p63 && value < 0x1p63 ? Int64(value) : .min
  }
  @inline(__always) init(truncating value: Double) {
    self = value >= -0x1p63 && value < 0x1p63 ? Int64(value) : .min
  }
}

extension Convertible where Self: BinaryFloatingPoint {
  @inline(__always) init(converting value: Float) { self.init(value) }
  @inline(__always) init(converting value: Double) { self.init(value) }
  @inline(__always) init(converting value: Int64) { self.init(value) }
  @inline(__always) init(converting value: UInt64) { self.init(value) }
}

extension Convertible where Self: FixedWidthInteger {
  @inline(__always) init(converting value: Float) { self.init(truncatingIfNeeded: Int32(truncating: value)) }
  @inline(__always) init(converting value: Double) { self.init(truncatingIfNeeded: Int32(truncating: value)) }
  @inline(__always) init(converting value: Int64) { self.init(truncatingIfNeeded: value) }
  @inline(__always) init(converting value: UInt64) { self.init(truncatingIfNeeded: value) }
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: Int64(truncatingIfNeeded: self))
  }
}

extension Float: Convertible {
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: self)
  }
}
extension Double: Convertible {
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: self)
  }
}
extension Float16: Convertible {
  @inline(__always) init(converting value: Float) { self.init(bitPattern: halfBits(value)) }
  // Swift's own conversion gives zero for a subnormal half where threads flush subnormals.
  @inline(__always) init(converting value: Double) { self.init(converting: Float(roundingToOdd: value)) }
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: halfValue(bitPattern))
  }
}
extension BFloat16: Convertible {
  init(converting value: Float) { self.init(value) }
  init(converting value: Double) { self.init(Float(value)) }
  init(converting value: Int64) { self.init(Float(value)) }
  init(converting value: UInt64) { self.init(Float(value)) }
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: Float(self))
  }
}
extension Int8: Convertible {}
extension Int16: Convertible {}
extension Int32: Convertible {}
extension UInt8: Convertible {}
extension UInt16: Convertible {}
extension Int64: Convertible {
  @inline(__always) init(converting value: Float) { self.init(truncating: value) }
  @inline(__always) init(converting value: Double) { self.init(truncating: value) }
}
extension UInt32: Convertible {
  @inline(__always) init(converting value: Float) { self.init(truncatingIfNeeded: Int64(truncating: value)) }
  @inline(__always) init(converting value: Double) { self.init(truncatingIfNeeded: Int64(truncating: value)) }
}
extension UInt64: Convertible {
  @inline(__always) init(converting value: Float) { self.init(converting: Double(value)) }
  @inline(__always) init(converting value: Double) {
    self =
      value >= 0x1p63 && value < 0x1p64
      ? UInt64(value) : UInt64(bitPattern: Int64(truncating: value))
  }
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: self)
  }
}
extension Truth: Convertible {
  @inline(__always) init(converting value: Float) { self.init(value != 0) }
  @inline(__always) init(converting value: Double) { self.init(value != 0) }
  @inline(__always) init(converting value: Int64) { self.init(value != 0) }
  @inline(__always) init(converting value: UInt64) { self.init(value != 0) }
  @inline(__always) func converted<Target: Convertible>(to type: Target.Type) -> Target {
    Target(converting: byte == 0 ? Int64(0) : 1)
  }
}
