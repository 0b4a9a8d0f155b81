/// The parameters of an operator in stored graphs: one behind the other, in the order given here.
package struct Coding<Kind> {
  let pack: (Kind, inout GraphWriter) -> Void
  let unpack: (inout GraphReader) throws(GraphError) -> Kind

  /// An operator without parameters.
  package init(_ value: Kind) {
    pack = { _, _ in }
    unpack = { _ in value }
  }

  /// - Parameters:
  ///   - make: makes the operator of its parameters.
  ///   - parameters: the parameters in the order that `make` takes them.
  package init<each Parameter: Packable>(
    _ make: @escaping (repeat each Parameter) -> Kind, _ parameters: repeat KeyPath<Kind, each Parameter>
  ) {
    pack = { kind, writer in writer.write(repeat kind[keyPath: each parameters]) }
    unpack = { reader throws(GraphError) in make(repeat try reader.read((each Parameter).self)) }
  }

  /// The same of an operator that has graphs among its parameters: they are one level deeper than the node.
  package static func nested<each Parameter: Packable>(
    _ make: @escaping (repeat each Parameter) -> Kind, _ parameters: repeat KeyPath<Kind, each Parameter>
  ) -> Coding {
    let flat = Coding(make, repeat each parameters)
    return Coding(
      pack: { kind, writer in writer.nested { flat.pack(kind, &$0) } },
      unpack: { reader throws(GraphError) in
        try reader.nested { reader throws(GraphError) in try flat.unpack(&reader) }
      })
  }

  private init(
    pack: @escaping (Kind, inout GraphWriter) -> Void,
    unpack: @escaping (inout GraphReader) throws(GraphError) -> Kind
  ) {
    self.pack = pack
    self.unpack = unpack
  }
}
