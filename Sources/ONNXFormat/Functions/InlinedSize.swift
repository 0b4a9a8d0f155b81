/// A bound on the memory that a node takes when it is inlined, in bytes: a small file may call a function often.
enum InlinedSize {
  private static let perNode = 512

  /// The part of a call that does not depend on the nodes of its function.
  static func ofCall(_ proto: ONNXFunctionProto) -> Int {
    perNode + 64
      * (proto.input.count + proto.output.count + proto.attribute.count + proto.attributeProto.count)
  }

  static func of(_ node: ONNXNodeProto) -> Int {
    perNode + node.name.utf8.count + bytes(node.input) + bytes(node.output) + sum(node.attribute, of)
  }

  private static func of(_ attribute: ONNXAttributeProto) -> Int {
    attribute.s.count + attribute.floats.count * 4 + attribute.ints.count * 8
      + sum(attribute.strings, \.count)
      + (attribute.hasT ? of(attribute.t) : 0) + (attribute.hasG ? of(attribute.g) : 0)
      + sum(attribute.graphs, of)
      + (attribute.hasSparseTensor
        ? of(attribute.sparseTensor.values) + of(attribute.sparseTensor.indices) : 0)
  }

  private static func of(_ graph: ONNXGraphProto) -> Int {
    sum(graph.node, of) + sum(graph.input) { perNode + $0.name.utf8.count }
      + sum(graph.output) { $0.name.utf8.count } + sum(graph.initializer) { perNode + of($0) }
      + sum(graph.sparseInitializer) { perNode + of($0.values) + of($0.indices) }
  }

  /// Raw data is looked at where it is in the file, except that booleans may have to be copied.
  private static func of(_ tensor: ONNXTensorProto) -> Int {
    (tensor.dataType == 9 ? elements(tensor.dims) : 0) + tensor.name.utf8.count
      + (tensor.floatData.count + tensor.int32Data.count) * 4
      + (tensor.int64Data.count + tensor.doubleData.count + tensor.uint64Data.count + tensor.dims.count) * 8
  }

  /// At most the size that all inlined nodes may have.
  private static func elements(_ dims: [Int64]) -> Int {
    dims.reduce(1) { count, size in
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(size))
      return overflow ? Functions.maximumSize : min(max(product, 0), Functions.maximumSize)
    }
  }

  private static func bytes(_ names: [String]) -> Int { sum(names) { $0.utf8.count } }

  private static func sum<Element>(_ elements: [Element], _ size: (Element) -> Int) -> Int {
    elements.reduce(0) { $0 + size($1) }
  }
}
