import Tensors

/// A constant tensor of texts. Handles mean nothing in a file, so that texts are parameters and not weights.
package struct Strings: Operator {
  package static let name = "strings"
  package static let signature = Signature()
  package static let family = OperatorFamily.movement

  /// As many texts as `shape` has elements, in row-major order.
  package var list: StringList
  package var shape: Shape

  package static var coding: Coding<Self> { Coding(Self.init, \.list, \.shape) }

  package var attributes: [PrintedAttribute] { [PrintedAttribute("texts", list.count)] }

  package var footprint: Int { list.byteCount }

  package func results(_ node: NodeTyping) throws(GraphError) -> [Fact?] {
    guard list.count == shape.elementCount else {
      throw node.failure("it has \(list.count) texts for the shape \(shape)")
    }
    return [Fact(.string, shape.dims.map { .known($0) })]
  }

  package func smallest(operands: Int, results: Int) -> SmallestNode {
    SmallestNode(Strings(list: StringList([""]), shape: [1]), operands: operands, results: results)
  }
}

extension Op {
  package static func strings(_ list: StringList, shape: Shape) -> Op {
    Op(Strings(list: list, shape: shape))
  }
}

extension StringList: Packable {
  package func pack(into writer: inout GraphWriter) {
    writer.write(bytes.count)
    writer.bytes.append(contentsOf: bytes)
    writer.write(ends)
  }
  package init(unpacking reader: inout GraphReader) throws(GraphError) {
    let bytes = Array(try reader.block())
    let ends = try reader.read([Int].self)
    guard let list = StringList(bytes: bytes, ends: ends) else {
      throw reader.failure("a list of texts does not end with its bytes")
    }
    self = list
    try reader.count(byteCount)
  }
}
