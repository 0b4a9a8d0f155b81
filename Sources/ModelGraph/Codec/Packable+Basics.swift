import Tensors

extension Int: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(self) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) { self = try reader.integer() }
}

extension Bool: Packable {
  package func pack(into writer: inout GraphWriter) { writer.bytes.append(self ? 1 : 0) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    switch try reader.byte() {
    case 0: self = false
    case 1: self = true
    default: throw reader.failure("a truth value is neither 0 nor 1")
    }
  }
}

/// Eight bytes, so that every bit survives.
extension Double: Packable {
  package func pack(into writer: inout GraphWriter) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      writer.bytes.append(UInt8(truncatingIfNeeded: bitPattern >> shift))
    }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    var bits: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 8) { bits |= UInt64(try reader.byte()) << shift }
    self.init(bitPattern: bits)
  }
}

extension String: Packable {
  package func pack(into writer: inout GraphWriter) { writer.write(self) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) { self = try reader.text() }
}

extension Array: Packable where Element: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(count)
    for element in self { element.pack(into: &writer) }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let count = try reader.count()
    self.init()
    reserveCapacity(count)
    for _ in 0..<count { append(try Element(unpacking: &reader)) }
  }
}

extension Optional: Packable where Wrapped: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(self != nil)
    if let self { self.pack(into: &writer) }
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self = try reader.read(Bool.self) ? try Wrapped(unpacking: &reader) : nil
  }
}

/// Enumerations of names are written as these.
extension Packable where Self: RawRepresentable, RawValue == String {
  package func pack(into writer: inout GraphWriter) { writer.write(rawValue) }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let name = try reader.text()
    guard let value = Self(rawValue: name) else { throw reader.failure("'\(name)' is no \(Self.self)") }
    self = value
  }
}

extension ElementType: Packable {}
