/// An op is written as the name of its operator and the parameters.
extension Op: Packable {
  package func pack(into writer: inout GraphWriter) { base.pack(into: &writer) }

  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let name = try reader.text()
    guard let kind = Operators.byName[name] else { throw reader.failure("'\(name)' is no op") }
    self = try kind.unpacked(&reader)
  }
}

extension Operator {
  fileprivate func pack(into writer: inout GraphWriter) {
    writer.write(Self.name)
    Self.coding.pack(self, &writer)
  }

  fileprivate static func unpacked(_ reader: inout GraphReader) throws(GraphError) -> Op {
    Op(try coding.unpack(&reader))
  }
}

/// An operator that is a parameter of another one, without its name.
extension Packable where Self: Operator {
  package func pack(into writer: inout GraphWriter) { Self.coding.pack(self, &writer) }

  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    self = try Self.coding.unpack(&reader)
  }
}
